// SPDX-License-Identifier: GPL-2.0-only
#include "control/operations/answers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fief {

void Answers::owe(std::function<Status()> outcome, Done done, Awaited awaited) {
  pending_.push_back({.deadline = std::chrono::steady_clock::now() + timeout_,
                      .awaited = std::move(awaited),
                      .outcome = std::move(outcome),
                      .done = std::move(done)});
}

// Seen once to be gone is enough: another may stand there before everything is settled.
void Answers::note_departures(const Observation& observation) {
  for (auto& request : pending_)
    if (auto& leaving = request.awaited.leaving; leaving && observation.find(*leaving) == nullptr)
      leaving.reset();
}

bool Answers::is_departure_awaited() const {
  return std::ranges::any_of(
      pending_, [](const Pending& request) { return request.awaited.leaving.has_value(); });
}

template <class Test>
void Answers::answer_those(Test test) {
  auto answered = std::exchange(pending_, {});
  const auto waiting = std::ranges::stable_partition(answered, [&test](const Pending& request) {
    return !request.awaited.leaving && test(request);
  });
  pending_.assign(std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.end()));
  answered.erase(waiting.begin(), waiting.end());
  for (auto& request : answered)
    request.done(request.outcome());
}

void Answers::answer_those_in_place() {
  answer_those([](const Pending& request) {
    return request.awaited.is_in_place && request.awaited.is_in_place();
  });
}

void Answers::settle() {
  answer_those([](const Pending& /*request*/) { return true; });
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
