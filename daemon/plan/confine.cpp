// SPDX-License-Identifier: GPL-2.0-only
// Confinements and regions of a level, and whether demands fit into them.
#include "plan/confine.hpp"

#include <algorithm>
#include <map>

#include "plan/flow.hpp"

namespace fief {
namespace {

template <class Number>
CidSet cids_where(const CidSet& numbers, const Topology& topology, Number number) {
  CidSet cids;
  for (const auto& info : topology.cids)
    if (numbers.contains(Cid{info.*number}))
      cids.insert(info.cid);
  return cids;
}

// The cids that a member is confined to; nothing where it is not.
std::optional<CidSet> allowed_cids(const Member& member, const Topology& topology) {
  if (member.delegation == nullptr)
    return std::nullopt;
  const auto& placement = member.delegation->placement;
  if (const auto* cpus = std::get_if<PlaceCpus>(&placement))
    return cids_where(cpus->cpus, topology, &CidInfo::cpu);
  if (const auto* nodes = std::get_if<PlaceNodes>(&placement))
    return cids_where(nodes->nodes, topology, &CidInfo::node);
  return std::nullopt;
}

Status refuse_empty(const Member& member) {
  const auto* cpus = std::get_if<PlaceCpus>(&member.delegation->placement);
  const auto list =
      cpus != nullptr ? cpus->cpus : std::get<PlaceNodes>(member.delegation->placement).nodes;
  return fail(Errc::infeasible,
              "{} is confined to {} {} (placement), but none of them can be handed out",
              member.path, cpus != nullptr ? "CPUs" : "nodes", list.to_string());
}

Confinement make_confinement(const Holding& holding, const CidSet& allowed) {
  Confinement confinement;
  for (const auto& held : holding.cids)
    if (allowed.contains(held.cid)) {
      confinement.cids.insert(held.cid);
      confinement.time += held.time;
    }
  return confinement;
}

// Cids by the confinements that contain them.
void find_regions(Level& level) {
  std::map<std::vector<std::uint32_t>, std::uint32_t> known;
  for (const auto& held : level.holding.cids) {
    std::vector<std::uint32_t> inside;
    for (std::uint32_t c = 0; c < level.confinements.size(); ++c)
      if (level.confinements[c].cids.contains(held.cid))
        inside.push_back(c);
    if (inside.empty())
      continue;
    const auto [at, added] =
        known.try_emplace(inside, static_cast<std::uint32_t>(level.regions.size()));
    if (added)
      level.regions.push_back({{}, 0, inside});
    auto& region = level.regions[at->second];
    region.cids.insert(held.cid);
    region.time += held.time;
  }
}

}  // namespace

// Members with equal lists share a confinement: they compete for the same time.
Status find_confinements(Level& level, const Topology& topology) {
  std::map<std::vector<std::uint64_t>, std::uint32_t> known;
  for (std::uint32_t i = 0; i < level.members.size(); ++i) {
    auto& member = level.members[i];
    const auto allowed = allowed_cids(member, topology);
    if (!allowed)
      continue;
    const auto [at, added] =
        known.try_emplace(allowed->words(), static_cast<std::uint32_t>(level.confinements.size()));
    if (added)
      level.confinements.push_back(make_confinement(level.holding, *allowed));
    auto& confinement = level.confinements[at->second];
    if (confinement.time == 0)
      return refuse_empty(member);
    member.confinement = at->second;
    member.most = std::min(member.most, confinement.time);
    confinement.members.push_back(i);
  }
  if (!level.confinements.empty())
    find_regions(level);
  return {};
}

Collision find_collision(const Level& level, const std::vector<CpuTime>& amounts,
                         const std::vector<char>& regions) {
  const auto first_region = static_cast<std::uint32_t>(2 + level.confinements.size());
  FlowNetwork network(first_region + static_cast<std::uint32_t>(level.regions.size()));
  std::vector<CpuTime> demand(level.confinements.size(), 0);
  CpuTime total = 0;
  for (std::uint32_t c = 0; c < demand.size(); ++c) {
    for (const auto member : level.confinements[c].members)
      demand[c] += amounts[member];
    network.add(FlowNetwork::kSource, 2 + c, demand[c]);
    total += demand[c];
  }
  for (std::uint32_t r = 0; r < level.regions.size(); ++r) {
    if (regions[r] == 0)
      continue;
    network.add(first_region + r, FlowNetwork::kSink, level.regions[r].time);
    for (const auto c : level.regions[r].confinements)
      network.add(2 + c, first_region + r, kUnlimited);
  }
  Collision collision;
  if (network.send(FlowNetwork::By::length) == total)
    return collision;
  const auto reached = network.reachable();
  for (std::uint32_t c = 0; c < demand.size(); ++c)
    if (reached[2 + c] != 0) {
      collision.confinements.push_back(c);
      collision.demand += demand[c];
    }
  for (std::uint32_t r = 0; r < level.regions.size(); ++r)
    if (reached[first_region + r] != 0) {
      collision.cids |= level.regions[r].cids;
      collision.time += level.regions[r].time;
    }
  return collision;
}

std::string describe(const Level& level, const Collision& collision, std::string_view need) {
  constexpr std::size_t kNamed = 3;
  std::vector<std::uint32_t> members;
  for (const auto c : collision.confinements)
    members.insert(members.end(), level.confinements[c].members.begin(),
                   level.confinements[c].members.end());
  std::ranges::sort(members);
  std::string names;
  for (std::size_t i = 0; i < std::min(members.size(), kNamed); ++i)
    names += fmt::format("{}{}",
                         i == 0                    ? ""
                         : i + 1 == members.size() ? " and "
                                                   : ", ",
                         level.members[members[i]].path);
  if (members.size() > kNamed)
    names += fmt::format(" and {} more", members.size() - kNamed);
  return fmt::format("{} {} confined to cids {} (placement) and {} {} CPUs there, which have {}",
                     names, members.size() == 1 ? "is" : "are", collision.cids.to_string(), need,
                     format_cpus(collision.demand), format_cpus(collision.time));
}

}  // namespace fief
