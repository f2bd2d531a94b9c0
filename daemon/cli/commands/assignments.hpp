// SPDX-License-Identifier: GPL-2.0-only
// "KEY=VALUE" as it stands on a command line. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "policy/change.hpp"

namespace fief::cli {

/// The value that @p text writes: true and false, a whole number, a real, or else a string.
ChangedValue parse_value(std::string_view text);

/// Each "KEY=VALUE" of @p arguments; "min-cpus" is "min_cpus". Errc::invalid names the first
/// argument that is none, or that gives a key twice.
Result<ChangedKeys> parse_assignments(const std::vector<std::string>& arguments);

/// The same for a scheduler's options, none of which is a real.
Result<ChangedKeys> parse_options(const std::vector<std::string>& arguments);

}  // namespace fief::cli
