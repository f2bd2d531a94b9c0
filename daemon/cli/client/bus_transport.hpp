// SPDX-License-Identifier: GPL-2.0-only
// The daemon by D-Bus.
#pragma once

#include <memory>

#include "cli/client/transport.hpp"

namespace fief::cli {

/// Connects to the system bus, or to what DBUS_SYSTEM_BUS_ADDRESS says.
Result<std::unique_ptr<Transport>> connect_to_bus();

}  // namespace fief::cli
