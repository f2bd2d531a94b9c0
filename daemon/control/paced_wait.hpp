// SPDX-License-Identifier: GPL-2.0-only
// Waits for a descriptor that others can make readable as often as they like: looking there takes a
// bounded part of the loop's time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <utility>

#include "core/time_account.hpp"

namespace fief {

class PacedWait {
 public:
  using Pause = std::chrono::milliseconds;

  /// @p look runs on @p io while the descriptor is readable, and says how long it is left alone
  /// then. This object outlives the loop's last handler.
  PacedWait(boost::asio::io_context& io, std::function<Pause()> look,
            TimeAccount time = {std::chrono::milliseconds{100}, 4})
      : descriptor_(io), timer_(io), look_(std::move(look)), time_(time) {}
  PacedWait(const PacedWait&) = delete;
  PacedWait& operator=(const PacedWait&) = delete;
  PacedWait(PacedWait&&) = delete;
  PacedWait& operator=(PacedWait&&) = delete;
  ~PacedWait() { release(); }

  /// @p descriptor stays the caller's and open until stop().
  void start(int descriptor);
  void stop();

 private:
  void release();
  void wait();
  Pause look();
  void pause(Pause length);

  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer timer_;
  std::function<Pause()> look_;
  TimeAccount time_;
};

}  // namespace fief
