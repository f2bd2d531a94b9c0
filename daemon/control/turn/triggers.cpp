// SPDX-License-Identifier: GPL-2.0-only
#include "control/turn/triggers.hpp"

#include <algorithm>
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

void PacedWait::start(int descriptor) {
  descriptor_.assign(descriptor);
  wait();
}

void PacedWait::stop() {
  timer_.cancel();
  release();
}

void PacedWait::release() {
  if (descriptor_.is_open())
    descriptor_.release();
}

// Not while it pauses: a descriptor that stays readable would be found so again and again.
void PacedWait::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (!error)
                             pause(look());
                         });
}

PacedWait::Pause PacedWait::look() {
  const auto began = std::chrono::steady_clock::now();
  const auto wish = look_();
  const auto now = std::chrono::steady_clock::now();
  time_.spend(now - began, began);
  return std::max(wish, std::chrono::ceil<Pause>(time_.pause(now)));
}

void PacedWait::pause(Pause length) {
  if (!descriptor_.is_open())
    return;
  if (length <= Pause{})
    return wait();
  timer_.expires_after(length);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error)
      wait();
  });
}

}  // namespace fief
