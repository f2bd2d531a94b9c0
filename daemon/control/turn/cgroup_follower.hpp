// SPDX-License-Identifier: GPL-2.0-only
// Keeps the view of the cgroups true to what files and the kernel tell of them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cgroup/watcher.hpp"
#include "core/backoff.hpp"
#include "events/event.hpp"

namespace fief {

class CgroupFollower {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// @p watcher outlives this object.
  explicit CgroupFollower(CgroupWatcher& watcher) : watcher_(watcher) {}

  /// Takes in what changed since the last call; true if anything did. If the view can no longer be
  /// kept true, that is told once; then everything is read afresh, less and less often, until it
  /// goes well.
  bool take_in(Time now);
  /// Takes in what @p event says has changed: a weight as it was told, anything else by reading it
  /// again.
  void follow(const Event& event);
  /// Reads the files of what was taken in as told: after the turn that follows it, since reading
  /// takes longer than planning. True if anything is other than told.
  bool verify(Time now);
  /// CPUs may have come or gone unseen.
  void doubt_cpusets() { cpusets_due_ = std::chrono::steady_clock::now(); }
  void reread_cpusets_if_due(Time now);
  /// When take_in() or reread_cpusets_if_due() has something to do.
  [[nodiscard]] std::optional<Time> next_deadline() const;
  /// Whether the view may be out of date.
  [[nodiscard]] bool is_lost() const { return !failure_.empty(); }
  /// When take_in() tries again; unset while the view is true.
  [[nodiscard]] std::optional<Time> retry_at() const { return retry_at_; }
  /// Why the view may be out of date, a sentence; "" while it is true.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void note_failure(const Error& why, Time now);
  void note_success();
  void tell_unfollowed();

  CgroupWatcher& watcher_;
  std::string failure_;
  bool told_unfollowed_ = false;  ///< once is enough: whoever nests that deep may do it for ever
  /// Reading everything afresh costs, and what is short, watches perhaps, others must give back.
  Backoff backoff_{std::chrono::milliseconds{250}, std::chrono::seconds{10}};
  std::optional<Time> retry_at_;
  std::optional<Time> cpusets_due_;
};

}  // namespace fief
