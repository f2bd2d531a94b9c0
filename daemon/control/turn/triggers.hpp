// SPDX-License-Identifier: GPL-2.0-only
// What starts turns, and how much of the loop's time others can make it take: somebody asks,
// something falls due, or a descriptor is readable.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "core/time_account.hpp"

namespace fief {

/// What starts turns: somebody asks, or something falls due. However many ask, one turn follows.
class TurnTrigger {
 public:
  using Time = TimeAccount::Time;

  /// @p turn runs on @p io. Turns for others have @p others of the loop's time. This object
  /// outlives the loop's last handler.
  TurnTrigger(boost::asio::io_context& io, std::function<void()> turn,
              TimeAccount others = {std::chrono::milliseconds{200}, 4})
      : io_(io), timer_(io), pause_(io), turn_(std::move(turn)), others_(others) {}

  /// For what this daemon does itself, or has promised.
  void ask();
  /// For what others can bring about as often as they like (cgroups that come and go, weights that
  /// change): at once, unless such turns have had their part of the loop's time.
  void ask_for_others();
  /// Asks at @p due, in place of what was due before.
  void arm(std::optional<Time> due);
  void disarm();

 private:
  void begin_for_others();
  void run();

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer pause_;
  std::function<void()> turn_;
  TimeAccount others_;
  bool pending_ = false;     ///< a turn is on its way
  bool for_others_ = false;  ///< and only others have asked for it
  bool pausing_ = false;     ///< others have asked, and it is not their time yet
};

/// Waits for a descriptor that others can make readable as often as they like: looking there takes
/// a bounded part of the loop's time.
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
