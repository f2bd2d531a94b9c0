// SPDX-License-Identifier: GPL-2.0-only
// Compares a level with the one before it, cid by cid.
#include "plan/placement/memory.hpp"

#include <algorithm>
#include <unordered_set>

namespace fief {
namespace {

constexpr CgroupId kNobody{UINT64_MAX};
constexpr CgroupId kShared{UINT64_MAX - 1};

// Owner of each cid; kShared where it has several, kNobody where it is not held.
using Uses = std::vector<CgroupId>;

CgroupId use_of(std::optional<CgroupId> owner) {
  return owner.value_or(kShared);
}

std::optional<CgroupId> owner_of(CgroupId use) {
  return use == kShared ? std::nullopt : std::optional(use);
}

Uses uses_of(const LevelPlan& level, std::size_t nr_cids) {
  Uses uses(nr_cids, kNobody);
  const auto set = [&uses](Cid cid, CgroupId use) {
    if (cid.value < uses.size())
      uses[cid.value] = use;
  };
  for (const auto& participant : level.participants) {
    for (const auto cid : participant.exclusive)
      set(cid, participant.cgroup);
    for (const auto& share : participant.shared)
      set(share.cid, kShared);
  }
  return uses;
}

// The newest change of each cid, as far as it is not settled.
std::vector<FormerUse> next_uses(const LevelPlan& now, const LevelPlan& before,
                                 const LevelMemory* memory, const PlanInput& input) {
  const auto nr_cids = input.topology.cids.size();
  const auto current = uses_of(now, nr_cids);
  const auto former = uses_of(before, nr_cids);
  std::vector<const FormerUse*> known(nr_cids, nullptr);
  if (memory != nullptr)
    for (const auto& use : memory->uses)
      if (use.cid.value < nr_cids && on_loan(use.since, input.now))
        known[use.cid.value] = &use;
  std::vector<FormerUse> uses;
  for (std::uint32_t cid = 0; cid < nr_cids; ++cid) {
    if (former[cid] != current[cid] && former[cid] != kNobody)
      uses.push_back({Cid{cid}, owner_of(former[cid]), input.now});
    else if (known[cid] != nullptr && use_of(known[cid]->owner) != current[cid])
      uses.push_back(*known[cid]);
  }
  return uses;
}

CidSet shared_by(const ParticipantPlan& participant) {
  CidSet cids;
  for (const auto& share : participant.shared)
    cids.insert(share.cid);
  return cids;
}

// A child's own path is where its chain of weights ends.
const std::string& path_of(const ParticipantPlan& child) {
  static const std::string kNoPath;
  return child.entitlement.chain.empty() ? kNoPath : child.entitlement.chain.back().path;
}

std::vector<FormerPlace> next_places(const LevelPlan& now, const LevelPlan& before,
                                     const LevelMemory* memory) {
  std::vector<FormerPlace> left;
  auto still = now.participants.begin();  // both lists ascend by cgroup
  for (const auto& participant : before.participants) {
    while (still != now.participants.end() && still->cgroup < participant.cgroup)
      ++still;
    const bool stays = still != now.participants.end() && still->cgroup == participant.cgroup;
    if (!stays && !path_of(participant).empty())
      left.push_back({path_of(participant), participant.exclusive, shared_by(participant)});
  }
  if (left.empty() && (memory == nullptr || memory->places.empty()))
    return left;
  std::unordered_set<std::string_view> superseded;
  for (const auto& participant : now.participants)
    superseded.insert(path_of(participant));
  std::erase_if(left, [&](const FormerPlace& item) { return superseded.contains(item.path); });
  for (const auto& place : left)
    superseded.insert(place.path);
  std::vector<FormerPlace> places;
  if (memory != nullptr)
    std::ranges::copy_if(memory->places, std::back_inserter(places),
                         [&](const FormerPlace& item) { return !superseded.contains(item.path); });
  places.insert(places.end(), left.begin(), left.end());
  const auto excess = places.size() - std::min(places.size(), kMaxFormerPlaces);
  places.erase(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(excess));
  return places;
}

}  // namespace

LevelMemory next_memory(const LevelPlan& now, const LevelPlan* before, const LevelMemory* memory,
                        const PlanInput& input) {
  LevelMemory next;
  next.scheduler = now.scheduler;
  if (before == nullptr)
    return next;
  next.uses = next_uses(now, *before, memory, input);
  next.places = next_places(now, *before, memory);
  return next;
}

}  // namespace fief
