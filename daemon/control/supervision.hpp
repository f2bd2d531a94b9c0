// SPDX-License-Identifier: GPL-2.0-only
// When to try again after a failure, and when to stop trying. Pure: time comes in as an argument.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "policy/policy.hpp"

namespace fief {

/// The failures of one scheduler and what follows from them.
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

}  // namespace fief
