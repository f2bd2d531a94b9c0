// SPDX-License-Identifier: GPL-2.0-only
// The daemon by Varlink, which needs no bus.
#pragma once

#include <memory>
#include <string>

#include "cli/client/transport.hpp"

namespace fief::cli {

/// Connects to the socket at @p path, on which there is no descriptor to open but that of a boost,
/// and nothing to follow.
Result<std::unique_ptr<Transport>> connect_to_socket(const std::string& path);

}  // namespace fief::cli
