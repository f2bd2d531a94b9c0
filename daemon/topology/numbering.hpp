// SPDX-License-Identifier: GPL-2.0-only
// Gives CPUs their cids the way the kernel does (kernel/sched/ext/cid.c).
#pragma once

#include <cstdint>
#include <vector>

#include "topology/topology.hpp"

namespace fief {

/// The kernel's default shard size, in cids (SCX_CID_SHARD_SIZE_DFL).
inline constexpr std::uint32_t kShardSize = 24;

/// One possible CPU and the groups it belongs to. Group ids need only be equal for CPUs of one
/// group and different otherwise; those of an offline CPU are ignored.
struct RawCpu {
  std::uint32_t cpu = 0;
  std::uint32_t node = 0;
  std::uint32_t llc = 0;
  std::uint32_t core = 0;
  bool online = true;
  std::uint32_t capacity = kFullCapacity;
};

/// Numbers @p cpus (ascending by CPU): nodes, LLCs, cores and threads, each in ascending order of
/// their first online CPU; an LLC that straddles two nodes counts as two. Offline CPUs come last,
/// each with a core, LLC and node of its own.
Topology number_cids(const std::vector<RawCpu>& cpus, std::uint32_t shard_size = kShardSize);

}  // namespace fief
