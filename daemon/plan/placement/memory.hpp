// SPDX-License-Identifier: GPL-2.0-only
// What a level remembers from plan to plan, so that what comes back finds its place. Internal.
//
// Weights flap: a service is reweighted and reweighted back, a participant restarts. Quotas follow
// at once, exactly; what must not wander is which CPUs they are made of. So a cid that changed
// hands less than kSettleTime ago is on loan: when its holder has to give something up and who had
// it before needs something, that cid goes back first. Both directions of a flap then move the
// same few cids, however often it flaps. After kSettleTime the new owner is at home there and
// locality alone decides. A participant that left is remembered longer, by its path.
#pragma once

#include "plan/plan.hpp"

namespace fief {

/// How long a cid that changed hands is on loan.
inline constexpr Instant kSettleTime{60};
/// Participants that left, remembered for each level.
inline constexpr std::size_t kMaxFormerPlaces = 256;

/// The memory of a level after @p now has been planned where @p before was in force; both
/// @p before and @p memory may be null.
LevelMemory next_memory(const LevelPlan& now, const LevelPlan* before, const LevelMemory* memory,
                        const PlanInput& input);

/// Whether a cid that changed hands at @p since may still go back at @p now.
constexpr bool on_loan(Instant since, Instant now) {
  return since <= now && now - since < kSettleTime;
}

}  // namespace fief
