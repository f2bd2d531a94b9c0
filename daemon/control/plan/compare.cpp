// SPDX-License-Identifier: GPL-2.0-only
#include "control/plan/compare.hpp"

#include <algorithm>
#include <set>

namespace fief {
namespace {

bool same_order(const ParticipantPlan& a, const ParticipantPlan& b) {
  return a.cgroup == b.cgroup && a.exclusive == b.exclusive && a.shared == b.shared &&
         a.lend == b.lend && a.landing == b.landing && a.borrow == b.borrow && a.perf == b.perf &&
         a.least == b.least && a.most == b.most && a.weight == b.weight;
}

// The nearest cgroup above @p node that has a scheduler, or the root scheduler.
template <class HasScheduler>
CgroupId nearest_above(const CgroupNode& node, const CgroupTree& cgroups,
                       HasScheduler has_scheduler) {
  for (const auto* at = &node; at != cgroups.nodes.data();) {
    at = &cgroups.nodes[at->parent];
    if (has_scheduler(at->id))
      return at->id;
  }
  return kSelf;
}

// What a child holds for itself: all of it, less what the plan only lets it borrow.
CidSet own_cids(const LevelPlan* level, CgroupId child, const HeldCaps& held) {
  const auto* planned = level == nullptr ? nullptr : level->find(child);
  if (planned == nullptr)
    return held.immed();
  auto own = planned->exclusive | held.enq();
  for (const auto& shared : planned->shared)
    own.insert(shared.cid);
  return own & held.immed();
}

CidSet shared_by(const LevelPlan* level) {
  CidSet cids;
  if (const auto* self = level == nullptr ? nullptr : level->find(kSelf))
    for (const auto& shared : self->shared)
      cids.insert(shared.cid);
  return cids;
}

}  // namespace

std::vector<Attachment> attachments(const Observation& observation) {
  std::vector<Attachment> all;
  for (const auto& scheduler : observation.schedulers) {
    if (scheduler.cgroup == kSelf)
      continue;
    const auto* parent = observation.find(scheduler.parent);
    if (parent != nullptr && !parent->foreign)
      all.push_back({scheduler.cgroup, scheduler.parent, scheduler.foreign, scheduler.activity});
  }
  return all;
}

std::vector<Attachment> attachments_if(const std::vector<CgroupId>& own,
                                       const Observation& observation, const CgroupTree& cgroups) {
  std::map<CgroupId, bool> foreign;
  for (const auto cgroup : own)
    foreign.emplace(cgroup, false);
  for (const auto& scheduler : observation.schedulers)
    if (scheduler.foreign)
      foreign.insert_or_assign(scheduler.cgroup, true);
  std::vector<Attachment> all;
  for (const auto& [cgroup, is_foreign] : foreign) {
    const auto* node = cgroups.find(cgroup);
    if (node == nullptr)
      continue;
    const auto parent =
        nearest_above(*node, cgroups, [&foreign](CgroupId id) { return foreign.contains(id); });
    if (parent != kSelf && foreign.at(parent))
      continue;
    const auto* observed = observation.find(cgroup);
    all.push_back(
        {cgroup, parent, is_foreign, observed == nullptr ? std::nullopt : observed->activity});
  }
  return all;
}

ChildCounts count_children(const Observation& observation) {
  ChildCounts counts;
  for (const auto& scheduler : observation.schedulers)
    if (scheduler.cgroup != kSelf)
      ++counts[scheduler.parent];
  return counts;
}

CgroupId scheduler_above(const CgroupNode& node, const Observation& observation,
                         const CgroupTree& cgroups) {
  return nearest_above(node, cgroups,
                       [&observation](CgroupId id) { return observation.find(id) != nullptr; });
}

std::map<CgroupId, HeldCaps> held_by_children(const Observation& observation, CgroupId scheduler) {
  std::map<CgroupId, HeldCaps> held;
  for (const auto& child : observation.schedulers)
    if (child.cgroup != kSelf && child.parent == scheduler)
      held.emplace(child.cgroup, child.held);
  return held;
}

HeldCaps kept_by(const Observation& observation, CgroupId scheduler, const LevelPlan* level) {
  const auto* self = observation.find(scheduler);
  if (self == nullptr)
    return {};
  CidSet given;
  CidSet owned;
  for (const auto& [cgroup, held] : held_by_children(observation, scheduler)) {
    given |= own_cids(level, cgroup, held);
    owned |= held.enq();
  }
  auto kept = self->held;
  for (auto& cids : kept.by_cap)
    cids -= given;
  kept.by_cap[0] |= (self->held.immed() & shared_by(level)) - owned;
  return kept;
}

bool holds(const LevelPlan& level, const Observation& observation) {
  const auto held = held_by_children(observation, level.scheduler);
  const auto lent = lent_cids(level);
  return std::ranges::all_of(held, [&level, &lent](const auto& child) {
    const auto* planned = level.find(child.first);
    return planned != nullptr && wanted_caps(*planned, lent) == child.second;
  });
}

bool holds(const Plan& plan, const Observation& observation) {
  // A level once, however many stand below its scheduler.
  std::set<CgroupId> parents;
  for (const auto& attachment : attachments(observation))
    parents.insert(attachment.parent);
  return std::ranges::all_of(parents, [&](CgroupId parent) {
    const auto* level = plan.find_level(parent);
    return level != nullptr && holds(*level, observation);
  });
}

bool holds(const Plan& plan, const Observation& observation, CgroupId cgroup) {
  const auto* observed = observation.find(cgroup);
  const auto* level = observed == nullptr ? nullptr : plan.find_level(observed->parent);
  const auto* planned = level == nullptr ? nullptr : level->find(cgroup);
  return planned != nullptr && wanted_caps(*planned, lent_cids(*level)) == observed->held;
}

bool same_orders(const LevelPlan& a, const LevelPlan& b) {
  return a.scheduler == b.scheduler && a.held == b.held && a.borrowed == b.borrowed &&
         std::ranges::equal(a.participants, b.participants, same_order);
}

}  // namespace fief
