// SPDX-License-Identifier: GPL-2.0-only
// Landing CPUs: of its own cids, those that a participant lends to nobody, so that what wakes finds
// one idle. A borrower leaves when it is told to, but not while it is in the kernel (a fork, a page
// cleared): there the owner waits, and on a landing CPU it does not. Internal to plan/.
#pragma once

#include "plan/level.hpp"

namespace fief {

/// How many landing CPUs the policy asks for in @p delegation (null: none), which is due @p due:
/// what it says; else one for the latency scheduler where it is due more than a CPU.
std::uint32_t landing_count(const Delegation* delegation, CpuTime due);

/// Chooses them for all participants of @p plan, whose cids are placed; the same as in @p previous
/// (may be null) as far as they are still its own.
void choose_landing(LevelPlan& plan, const Level& level, const LevelPlan* previous);

}  // namespace fief
