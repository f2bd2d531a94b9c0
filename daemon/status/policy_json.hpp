// SPDX-License-Identifier: GPL-2.0-only
// The policy in force as JSON: the answer of GetPolicy and of `fiefctl policy show --json`.
// fiefctl(1) documents the shape, which is as stable as that of the status.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "policy/show.hpp"

namespace fief {

/// One line, or indented by @p indent columns.
std::string to_json(const ShownPolicy& policy, int indent = -1);

/// The reverse. Errc::invalid for what to_json() of this schema cannot have written.
Result<ShownPolicy> policy_from_json(std::string_view text);

}  // namespace fief
