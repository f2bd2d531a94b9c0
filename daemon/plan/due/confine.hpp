// SPDX-License-Identifier: GPL-2.0-only
// Members that are confined to certain cids, by the policy ("cpus:" placement) or by their cpusets,
// where these may overlap in any way. Internal to plan/.
//
// Cids that the same confinements contain form a *region*. Who is confined can be given time in the
// regions of its confinement and nowhere else, so what fits is decided by flows from confinements
// to regions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plan/level.hpp"
#include "plan/placement/layout.hpp"
#include "plan/placement/owners.hpp"

namespace fief {

/// Fills in the level's confinements and regions. Errc::infeasible if the policy confines a member
/// to cids none of which can be handed out, or which its cpuset has not.
Status find_confinements(Level& level, const Topology& topology);

/// Fills in the regions of the level's confinements, by its holding.
void find_regions(Level& level);

/// Where more is asked of some cids than they have.
struct Collision {
  std::vector<std::uint32_t> confinements;  ///< ascending; empty: everything fits
  CidSet cids;                              ///< of these confinements
  CpuTime demand = 0;
  CpuTime time = 0;  ///< of the cids
};

/// Whether the members' @p amounts fit into their confinements, of which only @p regions may be
/// used; if not, the confinements that lack most.
Collision find_collision(const Level& level, const std::vector<CpuTime>& amounts,
                         const std::vector<char>& regions);

/// "/a and /b are confined to cids 0-1 (placement), which are 2 CPUs, but {need} 3".
std::string describe(const Level& level, const Collision& collision, std::string_view need);

/// A level in which every confined member is confined to a single region: who needs several is cut
/// in parts.
struct Unlocked {
  Level level;
  Before before;
  std::vector<std::uint32_t> origin;  ///< the member each of its members is (a part of)
};

/// Cuts the members of overlapping confinements in parts, whole CPUs first, where they were before
/// if possible. Nothing where no confinements overlap. Errc::infeasible names what collides.
Result<std::optional<Unlocked>> unlock_confinements(const Level& level, const Layout& layout,
                                                    const Before& before);

}  // namespace fief
