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
      holding.cids.push_back({info.cid, kCpuUnit, work_in(kCpuUnit, info.capacity)});
  for (const auto& held : holding.cids)
    holding.total += held.work;
  return holding;
}

Holding handed_to(const ParticipantPlan& child, const LevelPlan& above, const Topology& topology) {
  Holding holding;
  holding.perf = child.perf;
  const auto hold = [&](Cid cid, CpuTime time) {
    holding.cids.push_back({cid, time, work_in(time, topology.cids[cid.value].capacity)});
  };
  for (const auto cid : child.exclusive)
    hold(cid, kCpuUnit);
  for (const auto& share : child.shared)
    hold(share.cid, share.fraction);
  std::ranges::sort(holding.cids, {}, &HeldCid::cid);
  for (const auto& held : holding.cids)
    holding.total += held.work;
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
      return handed_to(*child, above, topology);
  return {};
}

}  // namespace fief
