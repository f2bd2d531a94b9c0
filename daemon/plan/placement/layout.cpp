// SPDX-License-Identifier: GPL-2.0-only
// Builds the flat arrays in one pass over the held cids.
#include "plan/placement/layout.hpp"

#include <algorithm>

namespace fief {
namespace {

void add_whole(Layout& layout, const CidInfo& info, const CidInfo* before) {
  const auto position = layout.size();
  const bool new_node = before == nullptr || before->node != info.node;
  const bool new_llc = new_node || before->llc != info.llc;
  const bool new_core = new_llc || before->core != info.core;
  if (new_node)
    ++layout.nodes;
  if (new_llc) {
    const auto core = static_cast<std::uint32_t>(layout.cores.size());
    layout.llcs.push_back({core, core, layout.nodes - 1});
  }
  if (new_core) {
    layout.cores.push_back(
        {position, position, static_cast<std::uint32_t>(layout.llcs.size() - 1)});
    ++layout.llcs.back().end;
  }
  ++layout.cores.back().end;
  layout.threads = std::max(layout.threads, layout.cores.back().size());
  layout.position_of[info.cid.value] = position;
  layout.core.push_back(static_cast<std::uint32_t>(layout.cores.size() - 1));
  layout.cids.push_back(info.cid);
}

}  // namespace

Layout make_layout(const Holding& holding, const Topology& topology) {
  Layout layout;
  layout.position_of.assign(topology.cids.size(), kNone);
  layout.cids.reserve(holding.cids.size());
  layout.core.reserve(holding.cids.size());
  const CidInfo* before = nullptr;
  for (const auto& held : holding.cids) {
    if (held.time != kCpuUnit) {
      layout.parts.push_back(held);
      continue;
    }
    const auto& info = topology.cids[held.cid.value];
    add_whole(layout, info, before);
    before = &info;
  }
  return layout;
}

}  // namespace fief
