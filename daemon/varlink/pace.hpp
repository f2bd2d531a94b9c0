// SPDX-License-Identifier: GPL-2.0-only
// How fast the calls of one user are handled: each costs the daemon, which has real-time priority,
// a look at its state. Nobody is refused; whoever calls faster waits. Pure.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>

namespace fief::varlink {

class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// As many as @p burst at once, and one each @p interval for as long as one likes.
  Pace(int burst, std::chrono::milliseconds interval)
      : slack_(burst * interval), interval_(interval) {}

  /// When a call of @p uid that has come @p now, which never runs backwards, is to be handled.
  Time admit(uid_t uid, Time now);

 private:
  std::chrono::milliseconds slack_;
  std::chrono::milliseconds interval_;
  std::map<uid_t, Time> paid_until_;  ///< of those who called lately
};

}  // namespace fief::varlink
