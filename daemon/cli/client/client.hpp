// SPDX-License-Identifier: GPL-2.0-only
// The daemon, by whichever way to it there is.
#pragma once

#include <memory>
#include <string>

#include "cli/client/transport.hpp"
#include "status/views.hpp"

namespace fief::cli {

using Connection = std::unique_ptr<Transport>;

/// From now on connect() takes the Varlink socket at @p path, here and in programs that this one
/// starts: sets FIEF_VARLINK.
void prefer_socket(const std::string& path);

/// Connects to the Varlink socket that FIEF_VARLINK names; if it names none, to the system bus, and
/// where there is no bus, or no daemon on it, to the daemon's Varlink socket. Without that either
/// it is the bus, whose calls say why there is no daemon.
Result<Connection> connect();

/// Connects, and calls a method.
Result<Answer> ask(const char* method, const Arguments& arguments = {});

/// The daemon's state.
Result<StatusView> status_of(Transport& daemon);
Result<StatusView> fetch_status();

}  // namespace fief::cli
