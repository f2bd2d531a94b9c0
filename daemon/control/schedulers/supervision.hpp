// SPDX-License-Identifier: GPL-2.0-only
// What follows from a scheduler's end, from its failures and from what it asks for in vain. Pure:
// counts and time come in as arguments.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "kernel/port.hpp"
#include "policy/policy.hpp"

namespace fief {

/// The failures of one scheduler and what follows from them: when to try again, and when to stop
/// trying.
class Supervision {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Failures older than this are forgotten.
  static constexpr std::chrono::minutes kMemory{10};

  /// Records a failure at @p now. The next try is due after first_delay, doubled for each failure
  /// remembered, at most max_delay; @p jitter in [0, 1) takes up to a quarter of it away, so that
  /// several do not return in step. Too many failures end in quarantine.
  void failed(Time now, const RestartPolicy& policy, double jitter, std::string why);
  /// Records a failure that no later try can mend.
  void gave_up(std::string why);
  /// It runs: nothing is due, though its failures stay remembered.
  void succeeded();
  /// Remembers why it cannot run just now, without holding it against anybody.
  void note(std::string why) { last_error_ = std::move(why); }

  [[nodiscard]] bool quarantined() const { return quarantined_; }
  [[nodiscard]] bool may_try(Time now) const {
    return !quarantined_ && (!retry_at_ || now >= *retry_at_);
  }
  /// When the next try is due, if one is being waited for.
  [[nodiscard]] std::optional<Time> retry_at() const { return retry_at_; }
  [[nodiscard]] const std::string& last_error() const { return last_error_; }

 private:
  std::vector<Time> failures_;
  std::optional<Time> retry_at_;
  bool quarantined_ = false;
  std::string last_error_;
};

/// Which schedulers ask too often for what is not theirs: the kernel refuses every time, and
/// counts.
class Misconduct {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// From one look at a scheduler's count to the next: a burst is not held against anybody.
  static constexpr std::chrono::seconds kInterval{5};

  /// Whether the count of @p cgroup's scheduler is to be read now.
  [[nodiscard]] bool is_due(CgroupId cgroup, Time now) const;
  /// Takes in a count. What was refused since the last look, a second; nothing at the first look,
  /// and when the count has begun anew.
  std::optional<double> look(CgroupId cgroup, std::uint64_t denied, Time now);
  /// Forgets all others.
  void retain(const std::set<CgroupId>& watched);
  /// When the next look is due, if anybody is watched.
  [[nodiscard]] std::optional<Time> next_look() const;

 private:
  struct Look {
    std::uint64_t denied;
    Time at;
  };
  std::map<CgroupId, Look> last_;
};

/// What a scheduler's end means for what happens next.
enum class ExitClass {
  requested,       ///< unregistered from user space
  cgroup_removed,  ///< its cgroup went away
  with_parent,     ///< the scheduler above it ended
  killed,          ///< by the scheduler above it, or by SysRq
  restart,         ///< asks to be loaded again at once, e.g. after CPU hotplug
  failed,          ///< an error, a stall, or its own decision
};

/// Reads kind and code; a kind of 0 (the end was seen, its record was not) counts as failed.
ExitClass classify(const ExitInfo& exit);

/// The reason of StatusListener::scheduler_detached().
std::string_view detach_reason(ExitClass exit);

/// "runnable task stall: db[77] did not run for 5 s": for a sentence that says why, in the kernel's
/// words where it has left any; "exit kind 2000" of a kind that nobody here knows.
std::string describe(const ExitInfo& exit);

}  // namespace fief
