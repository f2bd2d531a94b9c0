// SPDX-License-Identifier: GPL-2.0-only
// What the service manager knows of a daemon that does not answer.
#pragma once

#include <systemd/sd-bus.h>

#include <string>

namespace fief::cli {

/// Why fiefd is not on the bus, and the remedy: whether it was never started, is starting, or could
/// not run and what it said of that. One sentence.
std::string why_not_running(sd_bus& bus);

}  // namespace fief::cli
