// SPDX-License-Identifier: GPL-2.0-only
// How much of the loop's time somebody may have: so much at once, and then a fixed part of the time
// that passes. Costs are known only afterwards, so one can come to owe more than one may.
#pragma once

#include <chrono>

namespace fief {

class TimeAccount {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Cost = std::chrono::nanoseconds;

  /// Nobody waits longer, whatever something has cost.
  static constexpr std::chrono::seconds kLongestPause{1};

  /// @p at_once, and one part in @p parts (> 0) of the time from then on.
  TimeAccount(Cost at_once, unsigned parts) : at_once_(at_once), parts_(parts) {}

  /// Whether less is owed than may be at @p now, which never runs backwards.
  [[nodiscard]] bool may_spend(Time now) const { return now > may_spend_after(); }
  /// How long whoever may not spend at @p now is to wait: kLongestPause at most, whatever is owed.
  [[nodiscard]] Cost pause(Time now) const;
  void spend(Cost cost, Time now);
  /// What is owed.
  [[nodiscard]] Cost owed(Time now) const;

 private:
  [[nodiscard]] Time may_spend_after() const { return paid_at_ - at_once_ * parts_; }

  Cost at_once_;
  unsigned parts_;
  Time paid_at_{};  ///< when nothing will be owed any more
};

}  // namespace fief
