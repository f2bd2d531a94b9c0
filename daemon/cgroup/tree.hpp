// SPDX-License-Identifier: GPL-2.0-only
// The cgroup v2 hierarchy as far as CPU time is concerned: an immutable snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/cid_set.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief {

/// Default of cpu.weight, and what a cgroup without a cpu controller counts as.
inline constexpr std::uint32_t kDefaultWeight = 100;

/// cpu.max: CPU time in each period, in microseconds. At most 2^44 each, as in the kernel.
struct CpuMax {
  std::uint64_t quota_us = 0;
  std::uint64_t period_us = 0;  ///< not 0

  [[nodiscard]] double cpus() const {
    return static_cast<double>(quota_us) / static_cast<double>(period_us);
  }
  friend bool operator==(const CpuMax&, const CpuMax&) = default;
};

struct CgroupNode {
  CgroupId id;
  std::string path;                       ///< "/" for the root, else "/a/b"
  std::uint32_t parent = 0;               ///< index in CgroupTree::nodes; the root's is itself
  std::uint32_t weight = kDefaultWeight;  ///< cpu.weight, 1..10000
  bool idle = false;       ///< cpu.idle: competes with the smallest weight, 0.3 of weight 1
  bool populated = false;  ///< cgroup.events: it or a descendant has a live process
  /// cpuset.cpus.effective: CPU numbers (not cids). Unset: no such file, the parent's counts.
  std::optional<CidSet> cpus{};
  std::optional<CpuMax> limit{};  ///< cpu.max; unset: "max", or no such file
  friend bool operator==(const CgroupNode&, const CgroupNode&) = default;
};

/// nodes[0] is the root; parents come before children; siblings are sorted by path.
struct CgroupTree {
  std::vector<CgroupNode> nodes;
  /// Indices into nodes, ascending by id and by path, as index() made them; empty before.
  std::vector<std::uint32_t> by_id{};
  std::vector<std::uint32_t> by_path{};

  /// Has find() look by halves instead of through all nodes. To be repeated when nodes have come,
  /// gone or moved.
  void index();
  [[nodiscard]] const CgroupNode* find(CgroupId id) const;
  [[nodiscard]] const CgroupNode* find(std::string_view path) const;
  /// Whether @p node is @p ancestor itself or below it, both of this tree.
  [[nodiscard]] bool is_descendant(const CgroupNode& node, const CgroupNode& ancestor) const;
};

}  // namespace fief
