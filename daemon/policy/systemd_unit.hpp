// SPDX-License-Identifier: GPL-2.0-only
// Where systemd puts the cgroups of its units, from the names that people know. Private to the
// parser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace fief {

/// Any number of slices inside one another, as the beginning of a regular expression over paths.
inline constexpr std::string_view kSlicesRegex = R"((?:/[^/]+\.slice)*)";

/// The regular expression of the cgroup of unit @p name, or of those of a glob, whatever slice they
/// are in. Nothing but slices stands above: units of users' managers, and of whatever runs inside
/// containers, have names that others choose. Errc::invalid: why it names no unit with a cgroup.
Result<std::string> unit_regex(std::string_view name);

/// The path of slice @p name; ".slice" may be missing. Errc::invalid: why it is none.
Result<std::string> slice_path(std::string_view name);

/// The path of the slice that holds whatever a user runs.
std::string user_slice_path(std::uint32_t uid);

}  // namespace fief
