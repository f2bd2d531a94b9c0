// SPDX-License-Identifier: GPL-2.0-only
#include "control/view/status.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "control/plan/compare.hpp"

namespace fief {
namespace {

void add_plan(SchedulerView& view, const ParticipantPlan* planned) {
  if (planned == nullptr)
    return;
  view.entitlement = planned->entitlement;
  view.planned_exclusive = planned->exclusive;
  view.planned_shared = planned->shared;
}

Counters counters_of(const StatusSources& sources, CgroupId scheduler) {
  return sources.counters ? sources.counters(scheduler) : Counters{};
}

std::uint64_t usage_of(const StatusSources& sources, const CgroupNode* node) {
  return sources.usage && node != nullptr ? sources.usage(*node).value_or(0) : 0;
}

// What each level lends; worked out once for all that stand in it.
using LentCids = std::map<CgroupId, CidSet>;

LentCids lent_by_level(const Plan& plan) {
  LentCids lent;
  for (const auto& level : plan.levels)
    lent.emplace(level.scheduler, lent_cids(level));
  return lent;
}

// What is there, where that is not what is wanted.
void add_kept(SchedulerView& view, const StatusSources& sources, const Delegation& delegation) {
  const auto kept = sources.children.scheduler_at(view.cgroup);
  if (kept.empty())
    return;
  view.scheduler = kept;
  if (const auto why = sources.children.why_not_replaced(delegation, view.cgroup); !why.empty())
    view.last_error = fmt::format("{} cannot take its place: {}", delegation.scheduler, why);
}

// What the kernel and the plan say of a child.
void add_observed(SchedulerView& view, const StatusSources& sources, const LentCids& lent,
                  const ObservedScheduler& observed) {
  const auto* level = sources.plan.find_level(observed.parent);
  const auto* planned = level == nullptr ? nullptr : level->find(observed.cgroup);
  add_plan(view, planned);
  view.foreign = observed.foreign;
  view.held = observed.held;
  view.as_planned =
      planned != nullptr && wanted_caps(*planned, lent.at(observed.parent)) == observed.held;
  view.counters = counters_of(sources, observed.cgroup);
}

SchedulerView delegation_view(const StatusSources& sources, const LentCids& lent,
                              const Delegation& delegation) {
  SchedulerView view;
  view.path = delegation.cgroup;
  view.delegation = delegation.name;
  view.pattern = delegation.pattern;
  view.scheduler = delegation.scheduler;
  view.last_error = sources.children.last_error(delegation);
  if (view.last_error.empty())
    view.last_error = sources.why_less(delegation);
  const auto* node = sources.cgroups.find(delegation.cgroup);
  if (node == nullptr)
    return view;
  view.cgroup = node->id;
  view.state = sources.children.state(delegation, node->id);
  add_kept(view, sources, delegation);
  view.weight = delegation.weight.value_or(node->weight);
  view.usage_usec = usage_of(sources, node);
  if (const auto* observed = sources.observation.find(node->id)) {
    add_observed(view, sources, lent, *observed);
    if (observed->foreign) {
      view.scheduler = observed->name;
      view.state = SchedulerState::attached;
    }
  }
  return view;
}

// One that is switched off: whether somebody's scheduler stands there all the same.
SchedulerView disabled_view(const StatusSources& sources, const LentCids& lent,
                            const Delegation& delegation) {
  auto view = delegation_view(sources, lent, delegation);
  if (view.cgroup == kSelf || sources.observation.find(view.cgroup) == nullptr)
    view.state = SchedulerState::detached;
  view.last_error.clear();
  return view;
}

// A scheduler no delegation speaks of: somebody else's, or one that refuses to go.
SchedulerView other_view(const StatusSources& sources, const LentCids& lent,
                         const ObservedScheduler& observed) {
  SchedulerView view;
  view.cgroup = observed.cgroup;
  view.scheduler = observed.name;
  view.state = SchedulerState::attached;
  if (const auto* node = sources.cgroups.find(observed.cgroup)) {
    view.path = node->path;
    view.weight = node->weight;
    view.usage_usec = usage_of(sources, node);
  }
  add_observed(view, sources, lent, observed);
  return view;
}

// Usage of everything that has no scheduler of its own. Not from the root cgroup's cpu.stat, which
// is sampled by the tick and may say less than its parts do; kernel threads are in no cgroup's
// figure.
std::uint64_t root_usage(const StatusSources& sources) {
  const auto& nodes = sources.cgroups.nodes;
  std::uint64_t usage = 0;
  for (std::size_t i = 1; i < nodes.size(); ++i)
    if (nodes[i].parent == 0)
      usage += usage_of(sources, &nodes[i]);
  for (const auto& [cgroup, held] : held_by_children(sources.observation, kSelf))
    usage -= std::min(usage, usage_of(sources, sources.cgroups.find(cgroup)));
  return usage;
}

SchedulerView root_view(const StatusSources& sources) {
  SchedulerView view;
  view.path = "/";
  view.scheduler = "root";
  if (!sources.observation.root_enabled)
    return view;
  const auto* level = sources.plan.find_level(kSelf);
  add_plan(view, level == nullptr ? nullptr : level->find(kSelf));
  view.state = SchedulerState::attached;
  view.held = kept_by(sources.observation, kSelf, level);
  view.as_planned = level != nullptr && holds(*level, sources.observation);
  view.usage_usec = root_usage(sources);
  view.counters = counters_of(sources, kSelf);
  return view;
}

}  // namespace

std::vector<SchedulerView> scheduler_views(const StatusSources& sources) {
  const auto lent = lent_by_level(sources.plan);
  std::vector<SchedulerView> views{root_view(sources)};
  for (const auto& delegation : sources.policy.delegations)
    views.push_back(delegation_view(sources, lent, delegation));
  for (const auto& delegation : sources.policy.disabled)
    views.push_back(disabled_view(sources, lent, delegation));
  std::set<CgroupId> shown;
  for (const auto& view : views)
    shown.insert(view.cgroup);
  for (const auto& observed : sources.observation.schedulers)
    if (observed.cgroup != kSelf && !shown.contains(observed.cgroup))
      views.push_back(other_view(sources, lent, observed));
  std::ranges::sort(views.begin() + 1, views.end(), {}, &SchedulerView::path);
  return views;
}

}  // namespace fief
