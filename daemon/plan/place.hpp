// SPDX-License-Identifier: GPL-2.0-only
// From the dues of a level to its plan. Internal to plan/.
#pragma once

#include "plan/level.hpp"

namespace fief {

/// The previous plan of the level with the new entitlements' explanations, if it still gives
/// everybody exactly what is due, where it may be; else nothing.
std::optional<LevelPlan> keep_previous(const Level& level, const LevelPlan* previous,
                                       const PlanInput& input);

/// Places the level's dues on its cids, as near to @p previous (may be null) as possible.
Result<LevelPlan> place_level(const Level& level, const LevelPlan* previous,
                              const PlanInput& input);

}  // namespace fief
