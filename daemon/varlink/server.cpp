// SPDX-License-Identifier: GPL-2.0-only
#include "varlink/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "core/fd.hpp"

namespace fief::varlink {
namespace {

using boost::asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::chrono::seconds kRetry{1};
constexpr mode_t kForEverybody = 0666;

std::optional<Sender> peer_of(Connection::Socket& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return std::nullopt;
  return Sender{.name = {}, .uid = peer.uid, .pid = peer.pid};
}

UniqueFd new_socket() {
  return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// A full backlog is somebody's as well; waiting for it would block.
bool somebody_listens(const stream_protocol::endpoint& at) {
  const auto probe = new_socket();
  return ::connect(probe.get(), at.data(), static_cast<socklen_t>(at.size())) == 0 ||
         errno == EAGAIN;
}

Result<UniqueFd> listen_at(const std::string& path, const stream_protocol::endpoint& at) {
  auto listening = new_socket();
  if (!listening || ::bind(listening.get(), at.data(), static_cast<socklen_t>(at.size())) != 0 ||
      ::chmod(path.c_str(), kForEverybody) != 0 || ::listen(listening.get(), SOMAXCONN) != 0) {
    const auto why = fail_errno(errno);
    return context(fmt::format("cannot listen on {}", path), why.value());
  }
  return listening;
}

}  // namespace

Server::Server(boost::asio::io_context& io, Backend& backend, Boosts& boosts, TimeBudget& budget,
               std::string path)
    : path_(std::move(path)),
      shared_{.backend = backend,
              .boosts = boosts,
              .status = LiveStatus(io, backend),
              .budget = budget},
      acceptor_(io),
      retry_(io) {}

Status Server::start() {
  if (path_.size() >= sizeof(sockaddr_un::sun_path))
    return fail(Errc::invalid, "{} is too long for a socket's path", path_);
  const stream_protocol::endpoint at(path_);
  if (somebody_listens(at))
    return fail(Errc::busy, "another process listens on {}", path_);
  ::unlink(path_.c_str());
  auto listening = listen_at(path_, at);
  if (!listening)
    return tl::unexpected(listening.error());
  acceptor_.assign(stream_protocol(), listening->release());
  accept();
  return {};
}

void Server::stop() {
  for (const auto& connection : std::exchange(connections_, {}))
    if (const auto alive = connection.lock())
      alive->close();
  retry_.cancel();
  if (!acceptor_.is_open())
    return;
  // What goes is closed, whatever that answers.
  const auto gone = std::move(acceptor_);
  ::unlink(path_.c_str());
}

void Server::accept() {
  acceptor_.async_accept([this](error_code error, Connection::Socket socket) {
    if (!acceptor_.is_open())
      return;
    if (error)
      return accept_later();
    admit(std::move(socket));
    accept();
  });
}

// Out of descriptors, most likely: whoever waits would wake the loop again at once.
void Server::accept_later() {
  retry_.expires_after(kRetry);
  retry_.async_wait([this](error_code error) {
    if (!error)
      accept();
  });
}

// Whoever has no place is hung up on.
void Server::admit(Connection::Socket socket) {
  const auto peer = peer_of(socket);
  if (!peer)
    return;
  if (!make_room(peer->uid))
    return;
  const auto connection = std::make_shared<Connection>(std::move(socket), *peer, shared_);
  connections_.push_back(connection);
  connection->start();
}

// For root there is always room.
bool Server::make_room(uid_t uid) {
  std::erase_if(connections_, [](const auto& known) {
    const auto alive = known.lock();
    return !alive || !alive->is_open();
  });
  if (uid == 0)
    return true;
  std::vector<std::shared_ptr<Connection>> connections;
  std::vector<Place> places;
  for (const auto& known : connections_)
    if (auto connection = known.lock(); connection && connection->place().uid != 0) {
      places.push_back(connection->place());
      connections.push_back(std::move(connection));
    }
  const auto [admitted, leaves] = varlink::admit(places, uid);
  if (leaves)
    connections[*leaves]->close();
  return admitted;
}

}  // namespace fief::varlink
