// SPDX-License-Identifier: GPL-2.0-only
// The schedulers this daemon holds, and which slot of its parent's tables each child has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "kernel/scheduler_object.hpp"
#include "kernel/state_codec.hpp"
#include "plan/plan.hpp"

namespace fief {

class AttachedSchedulers {
 public:
  void put_root(SchedulerObject root) { root_ = std::move(root); }
  /// One that was attached just now: it has divided nothing yet.
  void put_child(CgroupId cgroup, SchedulerObject child);
  /// A child, or the root, goes on dividing as its tables say.
  void adopt_child(CgroupId cgroup, SchedulerObject child);
  void adopt_slots_of_root();
  /// Nothing if it is not there.
  std::optional<SchedulerObject> take_child(CgroupId cgroup);
  /// Lets go of all; what is attached stays so.
  void clear();

  [[nodiscard]] const SchedulerObject* root() const { return root_ ? &*root_ : nullptr; }
  [[nodiscard]] bool has_child(CgroupId cgroup) const { return children_.contains(cgroup); }
  /// kSelf: the root. Errc::not_found.
  [[nodiscard]] Result<const SchedulerObject*> find(CgroupId cgroup) const;
  /// One that divides its CPUs among children, so that its state() is there. Errc::stale,
  /// Errc::unsupported.
  [[nodiscard]] Result<const SchedulerObject*> find_parent(CgroupId scheduler) const;
  /// What a scheduler, and the one above it, account for. Of a foreign one what its parent does.
  /// Errc::not_found.
  [[nodiscard]] Result<Counters> counters(CgroupId cgroup) const;
  [[nodiscard]] SlotTable& slots_of(CgroupId scheduler) { return slots_[scheduler]; }

  /// The plan that their tables divide by, for which there must be a root.
  [[nodiscard]] Plan plan_in_force() const;
  /// Events that did not fit into the ring, so far.
  [[nodiscard]] std::uint64_t events_dropped() const;

 private:
  [[nodiscard]] const fief_slot* account_of(CgroupId cgroup) const;

  std::optional<SchedulerObject> root_;
  std::map<CgroupId, SchedulerObject> children_;
  std::map<CgroupId, SlotTable> slots_;  ///< by the scheduler that divides
};

}  // namespace fief
