// SPDX-License-Identifier: GPL-2.0-only
// Answers that are owed: to changes that are accepted, until the kernel is observed to follow.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "backend/backend.hpp"
#include "kernel/port.hpp"

namespace fief {

class Answers {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Done = Backend::Done;

  /// Nobody waits longer than @p timeout.
  explicit Answers(std::chrono::milliseconds timeout) : timeout_(timeout) {}

  /// Owes @p done what @p outcome says once nothing is under way any more, and @p leaving, if
  /// given, has been seen to have no scheduler.
  void owe(std::function<Status()> outcome, Done done, std::optional<CgroupId> leaving);
  void note_departures(const Observation& observation);
  [[nodiscard]] bool is_departure_awaited() const;

  /// Nothing is under way: whoever waits for no departure gets an answer.
  void settle();
  /// Whoever has waited too long by @p now gets one as well.
  void expire(Time now);
  void answer_all(const Status& outcome);
  [[nodiscard]] std::optional<Time> next_deadline() const;

 private:
  struct Pending {
    Time deadline;
    std::optional<CgroupId> leaving;  ///< whose scheduler must be seen to be gone first
    std::function<Status()> outcome;
    Done done;
  };

  std::chrono::milliseconds timeout_;
  std::vector<Pending> pending_;  ///< by deadline
};

}  // namespace fief
