// SPDX-License-Identifier: GPL-2.0-only
// One client on the socket: its calls are read, handled and answered one after the other, so that
// it holds one call and one answer of memory, whatever it sends or leaves unread.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/changes.hpp"
#include "backend/quota.hpp"
#include "core/fd.hpp"
#include "varlink/methods.hpp"
#include "varlink/pace.hpp"

namespace fief::varlink {

/// What all connections share.
struct Shared {
  Backend& backend;
  Boosts& boosts;
  Pace pace;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;

  /// @p shared must last until close(). @p places are given back when the client is gone.
  Connection(Socket socket, Sender peer, Shared& shared, std::vector<Quota::Ticket> places);

  void start() { read(); }
  /// Ends it, and the boost that it holds. Late answers find nobody.
  void close();

 private:
  void read();
  void admit(std::size_t length);
  void handle(const std::string& text);
  void act(const Call& call);
  void carry_out(const Change& change, bool oneway, std::function<std::string()> success);
  void answer(std::string text, bool oneway);
  void write();
  void wait_for_end();

  Socket socket_;
  Sender peer_;
  Shared& shared_;
  std::vector<Quota::Ticket> places_;
  boost::asio::steady_timer turn_;  ///< when the call that was read is handled
  std::string input_;
  std::string output_;
  UniqueFd boost_;  ///< what lasts as long as the connection
};

}  // namespace fief::varlink
