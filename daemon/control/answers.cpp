// SPDX-License-Identifier: GPL-2.0-only
#include "control/answers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fief {

void Answers::owe(std::function<Status()> outcome, Done done, std::optional<CgroupId> leaving) {
  pending_.push_back({.deadline = std::chrono::steady_clock::now() + timeout_,
                      .leaving = leaving,
                      .outcome = std::move(outcome),
                      .done = std::move(done)});
}

// Seen once to be gone is enough: another may stand there before everything is settled.
void Answers::note_departures(const Observation& observation) {
  for (auto& request : pending_)
    if (request.leaving && observation.find(*request.leaving) == nullptr)
      request.leaving.reset();
}

bool Answers::is_departure_awaited() const {
  return std::ranges::any_of(pending_,
                             [](const Pending& request) { return request.leaving.has_value(); });
}

void Answers::settle() {
  auto answered = std::exchange(pending_, {});
  const auto waiting = std::ranges::stable_partition(
      answered, [](const Pending& request) { return !request.leaving; });
  pending_.assign(std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.end()));
  answered.erase(waiting.begin(), waiting.end());
  for (auto& request : answered)
    request.done(request.outcome());
}

void Answers::expire(Time now) {
  while (!pending_.empty() && now >= pending_.front().deadline) {
    const auto request = std::move(pending_.front());
    pending_.erase(pending_.begin());
    request.done(fail(Errc::stale, "the change is accepted, but the kernel does not hold it yet"));
  }
}

void Answers::answer_all(const Status& outcome) {
  for (auto& request : std::exchange(pending_, {}))
    request.done(outcome);
}

std::optional<Answers::Time> Answers::next_deadline() const {
  return pending_.empty() ? std::nullopt : std::optional(pending_.front().deadline);
}

}  // namespace fief
