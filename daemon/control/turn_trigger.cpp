// SPDX-License-Identifier: GPL-2.0-only
#include "control/turn_trigger.hpp"

#include <boost/asio/post.hpp>

namespace fief {

void TurnTrigger::ask() {
  if (std::exchange(pending_, true))
    return;
  boost::asio::post(io_, [this] {
    pending_ = false;
    turn_();
  });
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

}  // namespace fief
