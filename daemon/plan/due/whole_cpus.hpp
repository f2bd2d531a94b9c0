// SPDX-License-Identifier: GPL-2.0-only
// Third step of planning: which part of each due is whole CPUs, and which is shared. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/level.hpp"
#include "plan/placement/layout.hpp"

namespace fief {

/// How the dues of a level fall apart, by member.
struct Wholes {
  std::vector<std::uint32_t> count;  ///< CPUs owned alone
  std::vector<CpuTime> rest;         ///< time on shared cids; may exceed one CPU
  /// Cids to be shared inside each confinement; the members confined there come first on them.
  std::vector<std::uint32_t> confined_pool;
};

/// Whole CPUs first. A due gives up whole CPUs for shares of several where something else would
/// break: cids held in part, a confinement's shared cids that others must fill, more sharers than
/// @p max_sharers, and cores that would otherwise have two owners.
Wholes split_dues(const Level& level, const Layout& layout, std::uint32_t max_sharers);

}  // namespace fief
