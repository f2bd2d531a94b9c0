// SPDX-License-Identifier: GPL-2.0-only
// From the dues of a level to its plan. Internal to plan/.
#pragma once

#include "plan/level.hpp"

namespace fief {

/// The level's participants with what they are due and nothing placed. Takes the members' chains.
LevelPlan outline_plan(Level& level);

/// Fills @p plan with what @p previous (may be null) gives, if that still gives everybody exactly
/// what is due, where it may be. If not, returns false and leaves it as it was.
bool keep_previous(LevelPlan& plan, const Level& level, const LevelPlan* previous,
                   const PlanInput& input);

/// Places the dues of the outlined @p plan on the level's cids, as near to @p past as possible.
Status place_level(LevelPlan& plan, const Level& level, const Past& past, const PlanInput& input);

}  // namespace fief
