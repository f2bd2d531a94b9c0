// SPDX-License-Identifier: GPL-2.0-only
// Keys and values of the policy as a dictionary of a D-Bus call.
#pragma once

#include <systemd/sd-bus.h>

#include <map>
#include <string>

#include "policy/change.hpp"

namespace fief::cli {

/// Appends an a{sv}; returns what sd-bus returned. Nested options are no value here.
int append_dictionary(sd_bus_message& message, const std::map<std::string, ChangedValue>& values);
int append_dictionary(sd_bus_message& message, const Options& options);

}  // namespace fief::cli
