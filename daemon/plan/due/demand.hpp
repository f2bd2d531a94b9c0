// SPDX-License-Identifier: GPL-2.0-only
// First step of planning: who takes part at which scheduler, and with which claim. Internal.
#pragma once

#include <vector>

#include "plan/level.hpp"

namespace fief {

/// The levels from the root downwards, members with their shares by weight and their limits;
/// holdings are still empty. Attachments whose cgroup is gone, and what hangs below them, have no
/// tasks and are left out. Fails where a level has more members than @p input allows.
Result<std::vector<Level>> collect_demands(const PlanInput& input);

}  // namespace fief
