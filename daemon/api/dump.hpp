// SPDX-License-Identifier: GPL-2.0-only
// Everything the daemon knows, as one text for a bug report.
#pragma once

#include <string>

#include "core/fd.hpp"
#include "policy/show.hpp"
#include "status/views.hpp"

namespace fief {

/// The state and the policy in force, each under a heading.
std::string dump_text(const StatusView& status, const ShownPolicy& policy);

/// A descriptor that reads as @p text and that nobody can write to, however long the text is.
/// Errc::io.
Result<UniqueFd> as_descriptor(const std::string& text);

}  // namespace fief
