// SPDX-License-Identifier: GPL-2.0-only
// Dictionaries of D-Bus as keys and values of the policy. For files that decode messages.
#pragma once

#include <systemd/sd-bus.h>

#include "backend/methods.hpp"

namespace fief::dbus {

/// Reads an a{sv} of booleans, whole numbers, reals and strings. Returns what sd-bus returned, or
/// -EINVAL with @p error set for a value of another type or a number beyond 63 bits.
int read_values(sd_bus_message& message, ChangedKeys& values, sd_bus_error* error);
/// The same for a scheduler's options, which are no reals.
int read_options(sd_bus_message& message, Options& options, sd_bus_error* error);

}  // namespace fief::dbus
