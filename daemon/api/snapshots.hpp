// SPDX-License-Identifier: GPL-2.0-only
// The two states that the bus objects are made from.
//
// announced: what clients have been told. Decides which objects exist, and changes only when the
//            change is announced.
// live:      with numbers that are read, never announced (CPU time, counters). Taken from the
// daemon at
//            most once in a turn of the bus, so that GetManagedObjects or a flood of reads costs
//            one look at the kernel's files and not one for each property.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "backend/backend.hpp"
#include "status/views.hpp"

namespace fief {

/// A status with its objects by cgroup id.
class IndexedStatus {
 public:
  IndexedStatus() = default;
  explicit IndexedStatus(StatusView status);
  [[nodiscard]] const StatusView& status() const { return status_; }
  /// The scheduler whose object is that of @p cgroup; nullptr if there is none.
  [[nodiscard]] const SchedulerView* find(CgroupId cgroup) const;

 private:
  StatusView status_;
  std::unordered_map<CgroupId, std::size_t> by_id_;
};

class Snapshots {
 public:
  /// @p backend must outlive this.
  explicit Snapshots(const Backend& backend) : backend_(backend) {}

  [[nodiscard]] const StatusView& announced() const { return announced_.status(); }
  /// Whether clients know of an object for @p cgroup.
  [[nodiscard]] bool has(CgroupId cgroup) const { return announced_.find(cgroup) != nullptr; }
  /// From now on @p status is what clients have been told.
  void announce(StatusView status);
  /// Until @p emit returns, the answers below are those announced: a signal carries nothing that
  /// would have to be read.
  void while_announcing(const std::function<void()>& emit);

  /// The state as of @p turn. Valid until another turn or announce().
  const StatusView& live(std::uint64_t turn);
  /// The same as JSON. Valid as long as live()'s answer.
  const std::string& live_json(std::uint64_t turn);
  /// The live view of an announced object, or its announced one if it is just going away; nullptr
  /// for any other. Valid as long as live()'s answer.
  const SchedulerView* find(CgroupId cgroup, std::uint64_t turn);

 private:
  void refresh(std::uint64_t turn);

  const Backend& backend_;
  IndexedStatus announced_;
  bool announcing_ = false;
  IndexedStatus live_;
  std::string live_json_;        ///< of live_; empty until asked for
  std::uint64_t live_turn_ = 0;  ///< 0: live_ is out of date; turns start at 1
};

}  // namespace fief
