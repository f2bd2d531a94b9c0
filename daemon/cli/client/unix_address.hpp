// SPDX-License-Identifier: GPL-2.0-only
// The address of a socket that has a path.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <optional>
#include <string>

namespace fief::cli {

/// Nothing if @p path is longer than an address has room for (unix(7)).
inline std::optional<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return std::nullopt;
  path.copy(static_cast<char*>(address.sun_path), path.size());
  return address;
}

/// As the socket API wants every address to be called.
inline const sockaddr* as_sockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace fief::cli
