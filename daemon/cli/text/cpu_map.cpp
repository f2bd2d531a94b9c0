// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/cpu_map.hpp"

#include <algorithm>

namespace fief::cli {
namespace {

std::string path_of(const CgroupTree& cgroups, CgroupId id) {
  if (id == kSelf)
    return "/";
  const auto at = std::ranges::find(cgroups.nodes, id, &CgroupNode::id);
  return at == cgroups.nodes.end() ? fmt::format("cgroup {}", id.value) : at->path;
}

bool divides(const Plan& plan, CgroupId cgroup) {
  return cgroup != kSelf &&
         std::ranges::find(plan.levels, cgroup, &LevelPlan::scheduler) != plan.levels.end();
}

void add_party(CpuMap& map, std::string cgroup, const ParticipantPlan& participant) {
  const auto index = static_cast<std::uint32_t>(map.parties.size());
  MapParty party{.name = cgroup + (participant.cgroup == kSelf ? " itself" : ""),
                 .cgroup = std::move(cgroup),
                 .due = participant.entitlement.cpus,
                 .whole = participant.exclusive.size()};
  for (const auto cid : participant.exclusive)
    map.cells.at(cid.value).parts.push_back({index, kCpuUnit});
  for (const auto& share : participant.shared) {
    map.cells.at(share.cid.value).parts.push_back({index, share.fraction});
    party.shared += share.fraction;
  }
  map.parties.push_back(std::move(party));
}

}  // namespace

CpuMap make_cpu_map(const Topology& topology, const CgroupTree& cgroups, const Plan& plan) {
  CpuMap map;
  for (const auto& info : topology.cids)
    map.cells.push_back({info, {}});
  for (const auto& level : plan.levels)
    for (const auto& participant : level.participants) {
      if (divides(plan, participant.cgroup))
        continue;
      const bool self = participant.cgroup == kSelf;
      add_party(map, path_of(cgroups, self ? level.scheduler : participant.cgroup), participant);
    }
  for (auto& cell : map.cells)
    std::ranges::stable_sort(cell.parts, std::greater{}, &MapPart::time);
  return map;
}

std::string code_of(std::uint32_t party, const CpuMap& map) {
  constexpr std::uint32_t kLetters = 26;
  std::string code;
  auto rest = party;
  auto count = map.parties.size();
  do {
    code.insert(code.begin(), static_cast<char>('A' + rest % kLetters));
    rest /= kLetters;
    count = (count + kLetters - 1) / kLetters;
  } while (count > 1);
  return code;
}

std::size_t group_end(const CpuMap& map, std::size_t begin, std::uint32_t CidInfo::* level) {
  auto end = begin;
  while (end < map.cells.size() && map.cells[end].place.*level == map.cells[begin].place.*level)
    ++end;
  return end;
}

}  // namespace fief::cli
