// SPDX-License-Identifier: GPL-2.0-only
// Levels whose CPUs are not all of full capacity. Internal to plan/.
//
// Dues are work there, while cids are divided in time. The held cids of one capacity in one region
// form a *cell*, in which work and time are proportional. So dues are cut by cells, the parts
// turned into time, and each kind of CPUs is then placed as if it were a machine of its own.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/level.hpp"

namespace fief {

/// Fills in the level's cells, where it has CPUs that are not of full capacity. Needs its regions.
void find_cells(Level& level, const Topology& topology);

/// Whether @p member may have CPUs of @p cell.
bool may_use(const Level& level, const Member& member, const Cell& cell);

/// The level's cells in the order in which who prefers @p cores takes them.
std::vector<std::uint32_t> cells_by_preference(const Level& level, Cores cores);

/// Chooses whole CPUs for the exclusive members of a level with cells, as near to their dues as
/// they come; what they take is no longer in the regions. Errc::infeasible names who cannot have
/// enough.
Status choose_whole_cpus(Level& level);

/// A level with cells, kind by kind: the same members with the time each is due on CPUs of that
/// kind (nothing for some), whose sum is what the kind has. Everything is in time there. Whole CPUs
/// come first; who had CPUs of a kind in @p previous (may be null) keeps to it, and at most
/// @p max_sharers members have to share a CPU as far as that can be had.
std::vector<Level> cut_by_kind(const Level& level, const LevelPlan* previous,
                               std::uint32_t max_sharers);

/// Whether @p plan has the kinds of CPUs as the preferences of the level's members would have them.
bool follows_preferences(const Level& level, const LevelPlan& plan);

}  // namespace fief
