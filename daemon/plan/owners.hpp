// SPDX-License-Identifier: GPL-2.0-only
// Fourth step of planning: which cids are owned by whom. Internal to plan/.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/layout.hpp"
#include "plan/level.hpp"
#include "plan/wholes.hpp"

namespace fief {

/// The plan in force for a level, by position and member.
struct Before {
  std::vector<std::uint32_t> owner;            ///< by position; kNone where nobody's alone
  std::vector<char> shared;                    ///< by position: divided among several
  std::vector<std::vector<SharedCid>> shares;  ///< by member
};

Before read_before(const Level& level, const Layout& layout, const LevelPlan* previous);

/// Owner of each position: a member, or members.size() + c for the shared cids that confinement c
/// claims, or kNone for those shared by anybody. Each member owns wholes.count[member] of them.
/// Errc::infeasible where confinements overlap so that one of them does not get its own.
Result<std::vector<std::uint32_t>> choose_owners(const Level& level, const Layout& layout,
                                                 const Wholes& wholes, const Before& before);

}  // namespace fief
