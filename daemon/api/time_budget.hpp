// SPDX-License-Identifier: GPL-2.0-only
// How much of the loop's time each client may have.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace fief::dbus {

/// Each client may have so much at once, and then a fixed part of the time that passes. Costs are
/// known only afterwards, so a client can come to owe more than it may.
class TimeBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Cost = std::chrono::nanoseconds;

  /// @p at_once, and one part in @p parts (> 0) of the time from then on.
  TimeBudget(Cost at_once, unsigned parts) : at_once_(at_once), parts_(parts) {}

  /// Whether @p client owes less than it may at @p now, which never runs backwards.
  [[nodiscard]] bool may_spend(const std::string& client, Time now) const;
  void spend(const std::string& client, Cost cost, Time now);
  /// From now on @p client is known as @p other, and what it owes is the other's.
  void rename(const std::string& client, const std::string& other, Time now);
  /// Of clients that owe something.
  [[nodiscard]] std::size_t size() const { return paid_at_.size(); }

 private:
  void forget_paid(Time now);

  Cost at_once_;
  unsigned parts_;
  std::map<std::string, Time> paid_at_;  ///< when each will owe nothing any more
};

}  // namespace fief::dbus
