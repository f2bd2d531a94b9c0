// SPDX-License-Identifier: GPL-2.0-only
// What starts turns: somebody asks, or something falls due. However many ask, one turn follows.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <utility>

namespace fief {

class TurnTrigger {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// @p turn runs on @p io. This object outlives the loop's last handler.
  TurnTrigger(boost::asio::io_context& io, std::function<void()> turn)
      : io_(io), timer_(io), turn_(std::move(turn)) {}

  void ask();
  /// Asks at @p due, in place of what was due before.
  void arm(std::optional<Time> due);
  void disarm() { timer_.cancel(); }

 private:
  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  std::function<void()> turn_;
  bool pending_ = false;
};

}  // namespace fief
