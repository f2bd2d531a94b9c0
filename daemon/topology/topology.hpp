// SPDX-License-Identifier: GPL-2.0-only
// The machine as the scheduler sees it: cids with their core, LLC, node and shard.
//
// An immutable snapshot. The daemon takes it from the kernel (scx_bpf_cid_topo), offline tools
// from sysfs or from a specification such as "2x4x8x2" or "8x2 + 16 cap=560".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/cid_set.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief {

/// Capacity of the machine's fastest CPUs.
inline constexpr std::uint32_t kFullCapacity = 1024;

/// Where one cid sits. Indices are global and ascend with the cid; cids that the kernel could
/// not place have a core, llc and node of their own assigned by the reader, never -1.
struct CidInfo {
  Cid cid;
  std::uint32_t cpu = 0;
  std::uint32_t core = 0;
  std::uint32_t llc = 0;
  std::uint32_t node = 0;
  std::uint32_t shard = 0;
  bool online = true;
  std::uint32_t capacity = kFullCapacity;  ///< work in a given time, 1..kFullCapacity
  friend bool operator==(const CidInfo&, const CidInfo&) = default;
};

struct Topology {
  std::vector<CidInfo> cids;  ///< index == cid value

  [[nodiscard]] std::uint32_t nr_cids() const { return static_cast<std::uint32_t>(cids.size()); }
  [[nodiscard]] CidSet online() const;
  [[nodiscard]] CidSet core_siblings(Cid cid) const;
  /// Whether all its CPUs do the same work in the same time.
  [[nodiscard]] bool is_uniform() const;
  friend bool operator==(const Topology&, const Topology&) = default;
};

/// "NODESxLLCSxCORESxTHREADS", each factor 1..1024, at most 65536 CPUs, e.g. "2x4x8x2": two nodes
/// of four LLCs of eight cores of two threads. Factors may be left out: "CORES", "CORESxTHREADS"
/// and "LLCSxCORESxTHREADS" lie in the last LLC, or on the last node, of what stands before. A
/// capacity of 1..1024 may follow, and "+" joins parts: "8x2 cap=1024 + 16 cap=560".
Result<Topology> parse_topology_spec(std::string_view spec);

/// Reads /sys/devices/system/{cpu,node} below @p sysfs_root and numbers the CPUs as the kernel
/// numbers cids: nodes, LLCs, cores, threads, each in ascending order of their first CPU
/// (kernel/sched/ext/cid.c). Shards are split as there, with the default size of 24.
Result<Topology> read_topology(std::string_view sysfs_root = "/sys");

/// Fills in the capacities of @p topology's CPUs as sysfs below @p sysfs_root has them; all are
/// full where an online CPU has none.
void read_capacities(Topology& topology, std::string_view sysfs_root = "/sys");

/// Scales capacities so that the biggest is kFullCapacity; none becomes less than 1.
void normalise_capacities(Topology& topology);

}  // namespace fief
