// SPDX-License-Identifier: GPL-2.0-only
// Proof of one level's invariants. Internal to plan/; check_plan() is the public face.
#pragma once

#include "plan/level.hpp"

namespace fief {

/// Proves that @p plan gives the members of @p level, whose entitlements are settled, exactly what
/// they are due from its holding, within the limits of @p input. Linear in cids and members.
Status check_level(const LevelPlan& plan, const Level& level, const PlanInput& input);

}  // namespace fief
