// SPDX-License-Identifier: GPL-2.0-only
// Keeps the view of the cgroups true to what files and the kernel tell of them.
#pragma once

#include <chrono>
#include <optional>

#include "cgroup/watcher.hpp"
#include "events/event.hpp"

namespace fief {

class CgroupFollower {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// @p watcher outlives this object.
  explicit CgroupFollower(CgroupWatcher& watcher) : watcher_(watcher) {}

  /// True if anything changed.
  bool take_in();
  /// Takes in what @p event says has changed: a weight as it was told, anything else by reading it again.
  void follow(const Event& event);
  /// Reads the files of what was taken in as told: after the turn that follows it, since reading takes
  /// longer than planning. True if anything is other than told.
  bool verify();
  /// CPUs may have come or gone unseen.
  void doubt_cpusets() { cpusets_due_ = std::chrono::steady_clock::now(); }
  void reread_cpusets_if_due(Time now);
  /// When reread_cpusets_if_due() has something to do.
  [[nodiscard]] std::optional<Time> next_deadline() const { return cpusets_due_; }

 private:
  CgroupWatcher& watcher_;
  std::optional<Time> cpusets_due_;
};

}  // namespace fief
