// SPDX-License-Identifier: GPL-2.0-only
// Follows what the daemon announces, also while it comes and goes.
#pragma once

#include <systemd/sd-bus.h>

#include <string>

#include "cli/client/transport.hpp"

namespace fief::cli {

/// Transport::follow() on @p bus.
Status follow(sd_bus& bus, const Listener& tell);

/// "detached /a scheduler=fair reason=requested"
std::string to_line(const Announcement& announcement);

}  // namespace fief::cli
