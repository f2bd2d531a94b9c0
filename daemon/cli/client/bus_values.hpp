// SPDX-License-Identifier: GPL-2.0-only
// The arguments of a D-Bus call.
#pragma once

#include <systemd/sd-bus.h>

#include "cli/client/transport.hpp"

namespace fief::cli {

/// Appends them, keys of the policy as an a{sv}; returns what sd-bus returned. Nested options are
/// no value here.
int append(sd_bus_message& message, const Arguments& arguments);

}  // namespace fief::cli
