// SPDX-License-Identifier: GPL-2.0-only
#include "control/turn_trigger.hpp"

#include <boost/asio/post.hpp>

namespace fief {

using std::chrono::steady_clock;

void TurnTrigger::ask() {
  for_others_ = false;
  if (std::exchange(pending_, true))
    return;
  boost::asio::post(io_, [this] { run(); });
}

void TurnTrigger::ask_for_others() {
  if (pending_ || pausing_)
    return;
  const auto now = steady_clock::now();
  if (others_.may_spend(now))
    return begin_for_others();
  pausing_ = true;
  pause_.expires_at(now + others_.pause(now));
  pause_.async_wait([this](const boost::system::error_code& error) {
    if (!error && std::exchange(pausing_, false) && !pending_)
      begin_for_others();
  });
}

void TurnTrigger::begin_for_others() {
  ask();
  for_others_ = true;
}

// Whoever asked first, the turn is for all that has happened.
void TurnTrigger::run() {
  pending_ = false;
  if (std::exchange(pausing_, false))
    pause_.cancel();
  const bool for_others = std::exchange(for_others_, false);
  const auto began = steady_clock::now();
  turn_();
  if (for_others)
    others_.spend(steady_clock::now() - began, began);
}

void TurnTrigger::arm(std::optional<Time> due) {
  if (!due) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(*due);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error)
      ask();
  });
}

void TurnTrigger::disarm() {
  timer_.cancel();
  pausing_ = false;
  pause_.cancel();
}

}  // namespace fief
