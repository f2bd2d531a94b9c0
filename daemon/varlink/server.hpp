// SPDX-License-Identifier: GPL-2.0-only
// The daemon's Varlink service, for where there is no D-Bus: a Unix socket that "varlinkctl" and
// "fiefctl" call. Who calls is what the kernel says of the peer; reading is open to everyone,
// changes are root's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "backend/boosts.hpp"
#include "backend/time_budget.hpp"
#include "core/result.hpp"
#include "varlink/connection.hpp"

namespace fief::varlink {

class Server {
 public:
  /// What the server is given must outlive it. Everything runs on @p io's thread; if that goes on,
  /// stop() comes before the end of this. @p budget: what users may have of that thread's time.
  Server(boost::asio::io_context& io, Backend& backend, Boosts& boosts, TimeBudget& budget,
         std::string path);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() = default;

  /// Listens at the path, where everybody can connect. A socket that nobody listens on is replaced.
  /// Errc::busy: somebody does; Errc::invalid: the path is too long; or what fail_errno() gives.
  Status start();
  /// Ends every connection, and removes the socket.
  void stop();

 private:
  void accept();
  void accept_later();
  void admit(Connection::Socket socket);
  bool make_room(uid_t uid);

  std::string path_;
  Shared shared_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::vector<std::weak_ptr<Connection>> connections_;
};

}  // namespace fief::varlink
