// SPDX-License-Identifier: GPL-2.0-only
// One client on the socket: its calls are read, handled and answered one after the other, so that
// it holds one call and one answer of memory, whatever it sends or leaves unread.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include "backend/carry_out.hpp"
#include "backend/time_budget.hpp"
#include "core/fd.hpp"
#include "varlink/live_status.hpp"
#include "varlink/methods.hpp"
#include "varlink/places.hpp"

namespace fief::varlink {

/// What all connections share.
struct Shared {
  Backend& backend;
  Boosts& boosts;
  LiveStatus status;
  TimeBudget& budget;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;

  /// @p shared must last until close().
  Connection(Socket socket, Sender peer, Shared& shared);

  void start() { read(); }
  /// Ends it, and the boost that it holds. Late answers find nobody.
  void close();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  /// What it takes of what there is for all.
  [[nodiscard]] Place place() const { return {peer_.uid, heard_, idle_}; }

 private:
  void read();
  void admit(std::string text);
  void handle_for_pay(const std::string& text);
  void handle(const std::string& text);
  void act(const Call& call);
  void carry_out(const Operation& operation, bool oneway);
  void answer_change(Result<UniqueFd> outcome, bool of_files, bool oneway);
  void answer(std::string text, bool oneway);
  void write();
  void wait_for_end();

  Socket socket_;
  Sender peer_;
  Shared& shared_;
  std::string account_;  ///< whose the time is that calls take; empty: root, who waits for nobody
  std::chrono::steady_clock::time_point heard_ = std::chrono::steady_clock::now();
  bool idle_ = false;
  boost::asio::steady_timer turn_;  ///< when the call that was read is handled
  std::string input_;
  std::string output_;
  UniqueFd boost_;  ///< what lasts as long as the connection
};

}  // namespace fief::varlink
