// SPDX-License-Identifier: GPL-2.0-only
// Answers that are owed: to changes that are accepted, until the kernel is observed to follow. Each
// waits for what was asked, whatever else is under way.
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

  /// What an answer waits for.
  struct Awaited {
    std::optional<CgroupId> leaving{};    ///< whose scheduler must be seen to be gone first
    std::function<bool()> is_in_place{};  ///< unset: nothing is to be under way any more
  };

  /// Owes @p done what @p outcome says once what is @p awaited is so, which is seen after a turn.
  void owe(std::function<Status()> outcome, Done done, Awaited awaited);
  void note_departures(const Observation& observation);
  [[nodiscard]] bool is_departure_awaited() const;

  /// A turn has ended: whoever waits for something that is in place gets an answer.
  void answer_those_in_place();
  /// Nothing is under way: whoever waits for no departure gets an answer.
  void settle();
  /// Whoever has waited too long by @p now gets one as well.
  void expire(Time now);
  void answer_all(const Status& outcome);
  [[nodiscard]] std::optional<Time> next_deadline() const;

 private:
  struct Pending {
    Time deadline;
    Awaited awaited;
    std::function<Status()> outcome;
    Done done;
  };

  template <class Test>
  void answer_those(Test test);

  std::chrono::milliseconds timeout_;
  std::vector<Pending> pending_;  ///< by deadline
};

}  // namespace fief
