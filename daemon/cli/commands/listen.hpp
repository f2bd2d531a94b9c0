// SPDX-License-Identifier: GPL-2.0-only
// Where a server is to be found.
#pragma once

#include <string>

#include "core/fd.hpp"

namespace fief::cli {

/// A stream socket that listens at @p where: "HOST:PORT" ("[ADDRESS]:PORT" for IPv6, an empty host
/// for every address), the absolute path of a socket to make, or "systemd" for the one that the
/// service manager has handed over (sd_listen_fds(3)). Errc::invalid: it is none of these.
Result<UniqueFd> listen_at(const std::string& where);

}  // namespace fief::cli
