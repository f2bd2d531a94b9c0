// SPDX-License-Identifier: GPL-2.0-only
#include "cli/commands/listen.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "cli/client/unix_address.hpp"

namespace fief::cli {
namespace {

constexpr int kBacklog = 64;
constexpr int kMaxPort = 65535;

struct HostAndPort {
  std::string host;
  std::string port;
};

Result<HostAndPort> split(const std::string& where) {
  const auto colon = where.rfind(':');
  if (colon == std::string::npos || colon + 1 == where.size())
    return fail(Errc::invalid, R"("{}" is not HOST:PORT, the path of a socket or "systemd")",
                where);
  const auto port = where.substr(colon + 1);
  if (port.size() > 5 || !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }) ||
      std::stoi(port) > kMaxPort)
    return fail(Errc::invalid, R"({}: "{}" is not a port, a number up to {})", where, port,
                kMaxPort);
  auto host = where.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  return HostAndPort{std::move(host), port};
}

Result<UniqueFd> listen_on(const std::string& where, int family, const sockaddr* address,
                           socklen_t size) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      ::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return fail(Errc::io, "cannot listen at {}: {}", where, std::strerror(errno));
  return fd;
}

// What an earlier server left behind is in nobody's way: it refuses who connects to it.
void remove_if_left_behind(const std::string& path, const sockaddr_un& address) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd && ::connect(fd.get(), as_sockaddr(address), sizeof(address)) != 0 &&
      errno == ECONNREFUSED)
    ::unlink(path.c_str());
}

Result<UniqueFd> listen_at_path(const std::string& path) {
  const auto address = unix_address(path);
  if (!address)
    return fail(Errc::invalid, "{} is too long for a socket's path", path);
  remove_if_left_behind(path, *address);
  return listen_on(path, AF_UNIX, as_sockaddr(*address), sizeof(*address));
}

Result<UniqueFd> listen_at_port(const std::string& where) {
  const auto place = split(where);
  if (!place)
    return tl::unexpected(place.error());
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* host = place->host.empty() ? nullptr : place->host.c_str();
  if (const int error = ::getaddrinfo(host, place->port.c_str(), &hints, &found); error != 0)
    return fail(Errc::invalid, "there is no address {}: {}", where, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  return listen_on(where, found->ai_family, found->ai_addr, found->ai_addrlen);
}

Result<UniqueFd> handed_over() {
  if (::sd_listen_fds(/*unset_environment=*/1) != 1)
    return fail(Errc::invalid, "the service manager has not handed over one socket");
  UniqueFd fd(SD_LISTEN_FDS_START);
  if (::sd_is_socket(fd.get(), AF_UNSPEC, SOCK_STREAM, /*listening=*/1) <= 0)
    return fail(Errc::invalid, "what the service manager has handed over does not listen");
  return fd;
}

}  // namespace

Result<UniqueFd> listen_at(const std::string& where) {
  if (where == "systemd")
    return handed_over();
  return where.starts_with('/') ? listen_at_path(where) : listen_at_port(where);
}

}  // namespace fief::cli
