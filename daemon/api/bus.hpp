// SPDX-License-Identifier: GPL-2.0-only
// A connection to the system bus on the daemon's Asio loop, with the service's well-known name.
//
// sd-bus says what it waits for in three ways: a file descriptor, the events on it, and a point in
// time. All three are armed after every turn, so that neither a queued reply nor a timeout waits
// for the next incoming message. A turn handles a bounded number of messages: a client that floods
// shares the loop with everything else.
//
// A lost connection is made anew with back-off; scheduling does not depend on it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "api/sdbus.hpp"
#include "core/backoff.hpp"
#include "core/result.hpp"

namespace fief::dbus {

class Bus {
 public:
  struct Hooks {
    std::function<Status(sd_bus&)> connected;  ///< registers the objects; before the name is asked
    std::function<void()> acquired;            ///< the name is ours
    std::function<void(const Error&)> lost;    ///< once an outage; the connection is gone
    /// A message was processed, which took so much CPU time.
    std::function<void(std::chrono::nanoseconds)> processed;
  };

  /// @p io must outlive the bus. The address is libsystemd's: the system bus, or what
  /// DBUS_SYSTEM_BUS_ADDRESS says.
  Bus(boost::asio::io_context& io, std::string name, Hooks hooks);
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  Bus(Bus&&) = delete;
  Bus& operator=(Bus&&) = delete;
  ~Bus();

  /// Connects now, and again whenever the connection is lost.
  void start();
  /// Closes, and connects no more. Calls no hook.
  void stop();

  /// The connection, or nullptr while there is none.
  [[nodiscard]] sd_bus* connection() const { return bus_.get(); }
  /// To be called after anything that may have queued a message outside of a turn.
  void touched();
  /// Ascends with every turn; what was read once in a turn need not be read again.
  [[nodiscard]] std::uint64_t turn() const { return turn_; }

 private:
  static int on_name_reply(sd_bus_message* reply, void* userdata, sd_bus_error* error);

  void connect();
  Status open();
  void run_turn();
  void arm();
  void wait_for(boost::asio::posix::stream_descriptor::wait_type type, bool& waiting);
  void arm_timer(std::uint64_t deadline_usec);
  void lose();
  void close();
  template <class Handler>
  auto while_current(Handler handler);

  boost::asio::io_context& io_;
  std::string name_;
  Hooks hooks_;
  BusHandle bus_;
  SlotHandle name_slot_;
  boost::asio::posix::stream_descriptor descriptor_;  ///< borrows the fd of bus_
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer retry_;
  std::shared_ptr<std::monostate> token_;  ///< expires with what handlers were armed for
  std::optional<Error> failure_;           ///< noticed inside a turn, acted upon after it
  std::uint64_t deadline_usec_ = UINT64_MAX;
  std::uint64_t turn_ = 0;
  Backoff backoff_{std::chrono::milliseconds{100}, std::chrono::seconds{30}};
  bool reading_ = false;
  bool writing_ = false;
  bool touched_ = false;
  bool outage_reported_ = false;
};

}  // namespace fief::dbus
