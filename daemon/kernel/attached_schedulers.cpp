// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/attached_schedulers.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace fief {
namespace {

/// nullptr if it has none there.
const fief_slot* account_in(const SchedulerObject& above, CgroupId cgroup) {
  if (above.state() == nullptr)
    return nullptr;
  const auto& state = *above.state();
  const std::span slots(state.slots, std::min<std::size_t>(state.nr_slots, FIEF_MAX_SLOTS));
  const auto found = std::ranges::find_if(slots, [cgroup](const fief_slot& slot) {
    return slot.participant.cgroup_id == cgroup.value;
  });
  return found == slots.end() ? nullptr : &*found;
}

}  // namespace

void AttachedSchedulers::put_child(CgroupId cgroup, SchedulerObject child) {
  slots_.erase(cgroup);
  children_.insert_or_assign(cgroup, std::move(child));
}

void AttachedSchedulers::adopt_child(CgroupId cgroup, SchedulerObject child) {
  if (child.state() != nullptr)
    slots_.insert_or_assign(cgroup, SlotTable(*child.state()));
  children_.insert_or_assign(cgroup, std::move(child));
}

void AttachedSchedulers::adopt_slots_of_root() {
  slots_.insert_or_assign(kSelf, SlotTable(*root_->state()));
}

std::optional<SchedulerObject> AttachedSchedulers::take_child(CgroupId cgroup) {
  auto found = children_.extract(cgroup);
  if (found.empty())
    return std::nullopt;
  slots_.erase(cgroup);
  return std::move(found.mapped());
}

void AttachedSchedulers::clear() {
  children_.clear();
  slots_.clear();
  root_.reset();
}

Result<const SchedulerObject*> AttachedSchedulers::find(CgroupId cgroup) const {
  if (cgroup == kSelf && root_)
    return &*root_;
  const auto found = children_.find(cgroup);
  if (found == children_.end())
    return fail(Errc::not_found, "no scheduler of fief's is attached to cgroup {}", cgroup.value);
  return &found->second;
}

Result<const SchedulerObject*> AttachedSchedulers::find_parent(CgroupId scheduler) const {
  auto found = find(scheduler);
  if (!found)
    return fail(Errc::stale, "no scheduler of fief's is attached to {}",
                scheduler == kSelf ? "the root" : fmt::format("cgroup {}", scheduler.value));
  if ((*found)->state() == nullptr)
    return fail(Errc::unsupported, "the scheduler of cgroup {} does not divide its CPUs",
                scheduler.value);
  return found;
}

// The account of the root is in its own table, that of any other in its parent's.
const fief_slot* AttachedSchedulers::account_of(CgroupId cgroup) const {
  if (!root_)
    return nullptr;
  if (const auto* account = account_in(*root_, cgroup))
    return account;
  for (const auto& [above, child] : children_)
    if (const auto* account = cgroup == kSelf ? nullptr : account_in(child, cgroup))
      return account;
  return nullptr;
}

Result<Counters> AttachedSchedulers::counters(CgroupId cgroup) const {
  const auto object = find(cgroup);
  const auto* account = account_of(cgroup);
  if (!object && account == nullptr)
    return tl::unexpected(object.error());
  auto counters = object ? (*object)->counters() : Counters{};
  if (account != nullptr) {
    counters.borrowed_ns = account->borrowed_ns;
    counters.lent_ns = account->lent_ns;
  }
  return counters;
}

Plan AttachedSchedulers::plan_in_force() const {
  Plan plan{.number = root_->state()->plan_number, .levels = {}, .memory = {}};
  plan.levels.push_back(level_from_state(*root_->state()));
  for (const auto& [cgroup, child] : children_)
    if (child.state() != nullptr && child.state()->nr_slots > 1)
      plan.levels.push_back(level_from_state(*child.state()));
  return plan;
}

std::uint64_t AttachedSchedulers::events_dropped() const {
  std::uint64_t dropped = root_ ? root_->events_dropped() : 0;
  for (const auto& [cgroup, child] : children_)
    dropped += child.events_dropped();
  return dropped;
}

}  // namespace fief
