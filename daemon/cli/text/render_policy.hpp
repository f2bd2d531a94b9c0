// SPDX-License-Identifier: GPL-2.0-only
// The policy in force as text for people. Pure.
#pragma once

#include <string>

#include "cli/text/style.hpp"
#include "policy/show.hpp"

namespace fief::cli {

/// A table for the root and each delegation: keys, values and where each was set. With @p defaults
/// also what was set nowhere.
std::string render_policy(const ShownPolicy& policy, bool defaults, const Style& style);

}  // namespace fief::cli
