// SPDX-License-Identifier: GPL-2.0-only
#include "plan/cpusets.hpp"

#include <algorithm>
#include <utility>

#include "plan/level.hpp"

namespace fief {

Cpusets::Cpusets(const CgroupTree& tree) : tree_(tree) {
  const auto& nodes = tree.nodes;
  if (std::ranges::none_of(nodes, [](const CgroupNode& node) { return node.cpus.has_value(); }))
    return;
  source_.assign(nodes.size(), kNone);
  below_.resize(nodes.size());
  for (std::uint32_t i = 0; i < nodes.size(); ++i)
    source_[i] = nodes[i].cpus ? i : source_[nodes[i].parent];
  for (auto i = nodes.size(); i-- > 1;) {
    if (nodes[i].cpus)
      below_[i] |= *nodes[i].cpus;
    if (!below_[i].is_subset_of(below_[nodes[i].parent]))
      below_[nodes[i].parent] |= below_[i];
  }
}

std::optional<CidSet> Cpusets::of(std::uint32_t index) const {
  if (source_.empty() || source_[index] == kNone)
    return std::nullopt;
  auto cpus = *tree_.nodes[source_[index]].cpus | below_[index];
  // Where there is none, no task can be.
  return cpus.empty() ? std::nullopt : std::optional(std::move(cpus));
}

}  // namespace fief
