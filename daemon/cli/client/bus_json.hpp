// SPDX-License-Identifier: GPL-2.0-only
// What a D-Bus message holds, as JSON: any type but file descriptors.
#pragma once

#include <systemd/sd-bus.h>

#include "core/result.hpp"
#include "status/json_values.hpp"

namespace fief::cli {

/// The next value of @p message; dictionaries become objects, arrays and structures arrays.
/// Errc::io if there is none, or of a type that JSON cannot say.
Result<json::Json> read_json(sd_bus_message& message);

}  // namespace fief::cli
