// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/observer.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace fief {
namespace {

Result<std::vector<ObservedScheduler*>> children_of(CgroupId parent, Observation& observation) {
  std::vector<ObservedScheduler*> children;
  for (auto& scheduler : observation.schedulers)
    if (scheduler.parent == parent && scheduler.cgroup != kSelf)
      children.push_back(&scheduler);
  if (children.size() >= FIEF_MAX_SLOTS)
    return fail(Errc::infeasible, "{} children below one scheduler; at most {} are served",
                children.size(), FIEF_MAX_SLOTS - 1);
  return children;
}

// What has been published of each of @p children, which ascend by cgroup.
void read_activities(const fief_state& state, const std::vector<ObservedScheduler*>& children) {
  const std::span slots(state.slots, std::min<std::size_t>(state.nr_slots, FIEF_MAX_SLOTS));
  for (const auto& slot : slots) {
    const CgroupId cgroup{slot.participant.cgroup_id};
    const auto at = std::ranges::lower_bound(children, cgroup, {}, &ObservedScheduler::cgroup);
    if (cgroup != kSelf && at != children.end() && (*at)->cgroup == cgroup)
      (*at)->activity = activity_from(slot.activity);
  }
}

// Only a scheduler of fief's can be asked what its children hold. One that is just going answers
// nothing, and its children go with it.
Status observe_children(const AttachedSchedulers& own, CgroupId parent, Observation& observation) {
  const auto found = own.find_parent(parent);
  if (!found)
    return {};
  const auto children = children_of(parent, observation);
  if (!children)
    return tl::unexpected(children.error());
  fief_state& state = *(*found)->state();
  for (std::size_t i = 0; i < children->size(); ++i)
    state.staged_slots[i + 1].cgroup_id = (*children)[i]->cgroup.value;
  fief_apply_args args{};
  args.nr_slots = static_cast<__u32>(children->size() + 1);
  if (const auto status = (*found)->run_observe(args); !status)
    return parent == kSelf ? status : Status{};
  read_activities(state, *children);
  // A child that went in between answers -ENODEV and is shown with nothing.
  for (std::size_t i = 0; i < children->size(); ++i)
    if (state.caps[i + 1].result == 0)
      (*children)[i]->held = held_from_view(state.caps[i + 1]);
  if (parent == kSelf)
    observation.schedulers.front().held = held_from_view(state.caps[FIEF_SLOT_SELF]);
  return {};
}

}  // namespace

Result<Observation> Observer::observe(const AttachedSchedulers& own) {
  Observation observation;
  for (auto& found : sysfs_.schedulers()) {
    const bool foreign = found.cgroup != kSelf && !own.has_child(found.cgroup);
    observation.schedulers.push_back(
        {found.cgroup, found.parent, std::move(found.name), foreign, {}});
  }
  std::ranges::sort(observation.schedulers, {}, &ObservedScheduler::cgroup);
  const auto state = sysfs_.state();
  observation.root_enabled = own.root() != nullptr && state && *state == "enabled";
  if (!observation.root_enabled)
    return observation;
  std::set<CgroupId> parents{kSelf};
  for (const auto& scheduler : observation.schedulers)
    parents.insert(scheduler.parent);
  for (const auto parent : parents)
    if (const auto status = observe_children(own, parent, observation); !status)
      return tl::unexpected(status.error());
  return observation;
}

CgroupId Observer::parent_of(CgroupId cgroup) {
  const auto all = sysfs_.schedulers();
  const auto found = std::ranges::find(all, cgroup, &SysfsScheduler::cgroup);
  return found == all.end() ? kSelf : found->parent;
}

}  // namespace fief
