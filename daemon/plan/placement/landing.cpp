// SPDX-License-Identifier: GPL-2.0-only
#include "plan/placement/landing.hpp"

#include <algorithm>

namespace fief {
namespace {

CidSet first_of(const CidSet& cids, std::uint32_t count) {
  CidSet first;
  for (const auto cid : cids) {
    if (count-- == 0)
      break;
    first.insert(cid);
  }
  return first;
}

CidSet landing_before(const LevelPlan* previous, CgroupId cgroup) {
  const auto* before = previous == nullptr ? nullptr : previous->find(cgroup);
  return before == nullptr ? CidSet{} : before->landing;
}

}  // namespace

std::uint32_t landing_count(const Delegation* delegation, CpuTime due) {
  if (delegation == nullptr || delegation->lend == Lend::nothing || delegation->exclusive)
    return 0;
  const bool by_default = delegation->scheduler == kLatencyScheduler && due > kCpuUnit;
  return delegation->landing_cpus.value_or(by_default ? 1 : 0);
}

void choose_landing(LevelPlan& plan, const Level& level, const LevelPlan* previous) {
  for (std::size_t i = 0; i < plan.participants.size(); ++i) {
    auto& participant = plan.participants[i];
    const auto count = landing_count(level.members[i].delegation, participant.entitlement.cpus);
    auto landing =
        first_of(participant.exclusive & landing_before(previous, participant.cgroup), count);
    const auto kept = static_cast<std::uint32_t>(landing.size());
    participant.landing = landing | first_of(participant.exclusive - landing, count - kept);
  }
}

}  // namespace fief
