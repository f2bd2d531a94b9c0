// SPDX-License-Identifier: GPL-2.0-only
// Second step of planning: what each member of a level is due, in exact units. Internal.
#pragma once

#include <span>
#include <vector>

#include "plan/level.hpp"

namespace fief {

/// One claim on a divisible amount. least <= most.
struct Claim {
  double share = 0;  ///< relative; 0 gets its least and no more
  CpuTime least = 0;
  CpuTime most = kUnlimited;
};

/// Divides @p total by shares between each claim's limits (water-filling), exactly: the parts sum
/// to @p total by the largest remainder, ties going to the earlier claim. What all limits leave
/// over goes to the first claim, whatever its limit. Needs sum(least) <= total.
std::vector<CpuTime> divide_exactly(std::span<const Claim> claims, CpuTime total);

/// Fills in limits, confinements, by_weight and due of the level's members; the dues sum to the
/// holding's total. Errc::infeasible names the cgroup, its demand and what there is.
Status settle_entitlements(Level& level, const PlanInput& input);

}  // namespace fief
