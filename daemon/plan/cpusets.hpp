// SPDX-License-Identifier: GPL-2.0-only
// Which CPUs the tasks of a cgroup may use, as cpusets have it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cgroup/tree.hpp"
#include "core/cid_set.hpp"

namespace fief {

/// The cpusets of a whole tree, to which it refers. Linear work to make; next to none where no
/// cgroup has a cpuset.
class Cpusets {
 public:
  explicit Cpusets(const CgroupTree& tree);

  /// CPU numbers that the cgroup at @p index, with all below it, may use: the effective set of its
  /// own or else of the nearest cgroup above that has one, and those of the cgroups below, since a
  /// partition there has its CPUs to itself. Unset: the kernel tells of none.
  [[nodiscard]] std::optional<CidSet> of(std::uint32_t index) const;

 private:
  const CgroupTree& tree_;
  std::vector<std::uint32_t> source_;  // node whose set it goes by; kNone if there is none
  std::vector<CidSet> below_;          // of the cgroup and all below it
};

}  // namespace fief
