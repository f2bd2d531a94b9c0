// SPDX-License-Identifier: GPL-2.0-only
// Fifth step of planning: the shares that are not whole CPUs onto the shared cids. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/level.hpp"

namespace fief {

/// A shared cid and the time of it that is to be divided.
struct Bin {
  Cid cid;
  CpuTime time = 0;
  std::uint32_t confinement = kNone;  ///< whose members come first on it
};

/// A member's time to be placed.
struct Item {
  std::uint32_t member = 0;
  CpuTime size = 0;
  std::uint32_t confinement = kNone;
  Cid first;  ///< where it should begin: cids order the items as they order the bins
  Cid last;   ///< where it ended before; breaks ties
};

/// A member's time on a cid.
struct Share {
  std::uint32_t member = 0;
  Cid cid;
  CpuTime fraction = 0;
};

/// Fills all bins (ascending by cid) exactly with all items; the sizes must sum to the times.
///
/// The items lie end to end along the bins, so each lies across at most one boundary more than its
/// size forces on it: two cids for anything below one CPU. Errc::infeasible when more than
/// @p max_sharers would have to share a cid. The shares are in no order; a member that fills a bin
/// gets all of its time.
Result<std::vector<Share>> pack_shares(std::vector<Bin> bins, std::vector<Item> items,
                                       std::uint32_t max_sharers);

}  // namespace fief
