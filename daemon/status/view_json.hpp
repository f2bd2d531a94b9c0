// SPDX-License-Identifier: GPL-2.0-only
// Status as JSON: the answer of GetStatus and of `fiefctl status --json` and `tree --json`.
//
// The shape is stable within one "schema" number: members may be added, none is renamed, removed
// or given another meaning. fiefctl(1) documents it. CPU time is in CPUs (1.5 is one and a half),
// sets of cids are the kernel's lists ("0-3,8").
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "status/views.hpp"

namespace fief {

inline constexpr int kStatusSchema = 1;

/// One line, or indented by @p indent columns.
std::string to_json(const StatusView& status, int indent = -1);

/// The reverse. Errc::invalid for anything that to_json() of this schema cannot have written;
/// members that a later daemon added are ignored.
Result<StatusView> status_from_json(std::string_view text);

}  // namespace fief
