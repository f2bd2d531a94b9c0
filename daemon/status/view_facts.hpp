// SPDX-License-Identifier: GPL-2.0-only
// What follows from a view: the same answers for D-Bus, JSON and the terminal. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "status/views.hpp"

namespace fief {

/// CPUs as a real number, from 1/65536 of a CPU.
double to_cpus(CpuTime time);

/// Whether the view is that of the root scheduler.
bool is_root(const SchedulerView& view);

/// Whether the view has an object on the bus: the root, and every scheduler whose cgroup exists.
bool has_object(const SchedulerView& view);
/// The object path of a scheduler, ".../scheduler/<cgroup id>" or ".../scheduler/root".
std::string object_path(CgroupId cgroup);
/// The reverse of object_path(); nothing for any other path.
std::optional<CgroupId> cgroup_of_object(std::string_view object_path);

/// Observed: cids the scheduler holds for itself (ENQ).
CidSet held_exclusive(const SchedulerView& view);
/// Observed: cids whose time the plan divides and that it holds the baseline on, each with its
/// fraction. Ascending by cid.
SharedCids held_shared(const SchedulerView& view);

/// Observed: other cids it holds the baseline on, to use while their owners leave them idle.
CidSet borrowable(const SchedulerView& view);

/// Calls @p visit(name, value) for each counter, by the name it has on D-Bus and in JSON.
template <class CountersT, class Visit>
void for_each_counter(CountersT& counters, Visit visit) {
  visit("enqueued", counters.enqueued);
  visit("direct", counters.direct);
  visit("reenq_cap", counters.reenq_cap);
  visit("reenq_immed", counters.reenq_immed);
  visit("reenq_preempted", counters.reenq_preempted);
  visit("reenq_other", counters.reenq_other);
  visit("rescued", counters.rescued);
  visit("reclaims", counters.reclaims);
  visit("aged", counters.aged);
  visit("parked", counters.parked);
  visit("graced", counters.graced);
  visit("limit_periods", counters.limit_periods);
  visit("limit_throttled", counters.limit_throttled);
  visit("borrowed_ns", counters.borrowed_ns);
  visit("lent_ns", counters.lent_ns);
  visit("denied", counters.denied);
}

/// Finds the schedulers of a status by cgroup path. Refers to the status it was made from.
class PathIndex {
 public:
  explicit PathIndex(const StatusView& status);
  /// The scheduler at @p path; nullptr if there is none.
  [[nodiscard]] const SchedulerView* find(std::string_view path) const;
  /// The attached scheduler of the nearest ancestor cgroup; nullptr for the root.
  [[nodiscard]] const SchedulerView* parent(const SchedulerView& view) const;

 private:
  std::unordered_map<std::string_view, const SchedulerView*> by_path_;
};

}  // namespace fief
