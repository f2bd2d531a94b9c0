// SPDX-License-Identifier: GPL-2.0-only
// What a scheduler has to divide.
#include "plan/level.hpp"

#include <algorithm>

namespace fief {

Holding whole_machine(const Topology& topology) {
  Holding holding;
  holding.cids.reserve(topology.cids.size());
  for (const auto& info : topology.cids)
    if (info.online)
      holding.cids.push_back({info.cid, kCpuUnit});
  holding.total = kCpuUnit * holding.cids.size();
  return holding;
}

Holding handed_to(const ParticipantPlan& child, const LevelPlan& above) {
  Holding holding;
  holding.perf = child.perf;
  for (const auto cid : child.exclusive)
    holding.cids.push_back({cid, kCpuUnit});
  for (const auto& share : child.shared)
    holding.cids.push_back({share.cid, share.fraction});
  std::ranges::sort(holding.cids, {}, &HeldCid::cid);
  for (const auto& held : holding.cids)
    holding.total += held.time;
  if (child.borrow)
    holding.borrowed = lent_cids(above);
  for (const auto& held : holding.cids)
    holding.borrowed.erase(held.cid);
  return holding;
}

Holding holding_of(const Level& level, const std::vector<LevelPlan>& plan,
                   const Topology& topology) {
  if (level.scheduler == kSelf)
    return whole_machine(topology);
  for (const auto& above : plan)
    if (const auto* child = above.find(level.scheduler); child != nullptr)
      return handed_to(*child, above);
  return {};
}

}  // namespace fief
