// SPDX-License-Identifier: GPL-2.0-only
// Fourth step of planning: which cids are owned by whom. Internal to plan/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/due/whole_cpus.hpp"
#include "plan/level.hpp"
#include "plan/placement/layout.hpp"

namespace fief {

/// The past of a level, by position and member.
struct Before {
  std::vector<std::uint32_t> owner;  ///< by position; kNone where nobody's alone
  std::vector<char> shared;          ///< by position: divided among several
  /// By position: the member that had it before who has it now, and to whom it goes back first
  /// (memory.hpp); kPool where it was shared; kNone where nobody has such a claim.
  std::vector<std::uint32_t> home;
  std::vector<std::span<const SharedCid>> shares;  ///< by member
};
inline constexpr std::uint32_t kPool = kNone - 1;

/// @p past must outlive the result.
Before read_before(const Level& level, const Layout& layout, const Past& past,
                   const PlanInput& input);

/// Owner of each position: a member, or members.size() + c for the shared cids that confinement c
/// claims, or kNone for those shared by anybody. Each member owns wholes.count[member] of them.
/// Errc::infeasible where confinements overlap so that one of them does not get its own.
Result<std::vector<std::uint32_t>> choose_owners(const Level& level, const Layout& layout,
                                                 const Wholes& wholes, const Before& before);

}  // namespace fief
