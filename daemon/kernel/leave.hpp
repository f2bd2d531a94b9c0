// SPDX-License-Identifier: GPL-2.0-only
// Leaving for good: the end of every scheduler that is pinned.
#pragma once

#include <string>

#include "core/result.hpp"

namespace fief {

/// Detaches every scheduler pinned below @p pin_dir, those of other daemons as well, and blocks
/// until their tasks are back. Goes on after a failure, and tells of the first.
Status end_pinned_schedulers(const std::string& pin_dir);

}  // namespace fief
