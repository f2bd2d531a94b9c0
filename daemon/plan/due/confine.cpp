// SPDX-License-Identifier: GPL-2.0-only
// Confinements and regions of a level, and whether demands fit into them.
#include "plan/due/confine.hpp"

#include <algorithm>
#include <map>

#include "plan/due/flow.hpp"

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

// The cids that the policy confines a member to; nothing where it does not.
std::optional<CidSet> placed_cids(const Member& member, const Topology& topology) {
  if (member.delegation == nullptr)
    return std::nullopt;
  const auto& placement = member.delegation->placement;
  if (const auto* cpus = std::get_if<PlaceCpus>(&placement))
    return cids_where(cpus->cpus, topology, &CidInfo::cpu);
  if (const auto* nodes = std::get_if<PlaceNodes>(&placement))
    return cids_where(nodes->nodes, topology, &CidInfo::node);
  return std::nullopt;
}

// "CPUs 0-3" or "nodes 1".
std::string placement_of(const Member& member) {
  const auto* cpus = std::get_if<PlaceCpus>(&member.delegation->placement);
  const auto list =
      cpus != nullptr ? cpus->cpus : std::get<PlaceNodes>(member.delegation->placement).nodes;
  return fmt::format("{} {}", cpus != nullptr ? "CPUs" : "nodes", list.to_string());
}

Status refuse_empty(const Member& member) {
  return fail(Errc::infeasible,
              "{} is confined to {} (placement), but none of them can be handed out", member.path,
              placement_of(member));
}

Status refuse_contradiction(const Member& member) {
  return fail(Errc::infeasible,
              "{} is confined to {} (placement), but its cpuset lets it use only CPUs {}; change "
              "its placement, or its cpuset with AllowedCPUs=",
              member.path, placement_of(member), member.cpuset->to_string());
}

CidSet held_cids(const Holding& holding) {
  CidSet cids;
  for (const auto& held : holding.cids)
    cids.insert(held.cid);
  return cids;
}

CidSet held_cpus(const Holding& holding, const Topology& topology) {
  CidSet cpus;
  for (const auto& held : holding.cids)
    cpus.insert(Cid{topology.cids[held.cid.value].cpu});
  return cpus;
}

// The held cids that each member may use, by policy and cpuset.
class Allowance {
 public:
  Allowance(const Holding& holding, const Topology& topology)
      : topology_(topology), held_(held_cids(holding)), cpus_(held_cpus(holding, topology)) {}

  // Nothing where the member may use them all.
  Result<std::optional<CidSet>> of(Member& member) const {
    if (member.cpuset && cpus_.is_subset_of(*member.cpuset))
      member.cpuset.reset();
    auto placed = placed_cids(member, topology_);
    if (placed && !placed->intersects(held_))
      return tl::unexpected(refuse_empty(member).error());
    if (!member.cpuset)
      return placed;
    if (!member.cpuset->intersects(cpus_)) {
      set_aside(member);
      return std::nullopt;
    }
    auto usable = cids_where(*member.cpuset, topology_, &CidInfo::cpu);
    if (placed)
      usable &= *placed;
    if (!usable.intersects(held_))
      return tl::unexpected(refuse_contradiction(member).error());
    return usable;
  }

 private:
  // Below a child scheduler the level's CPUs may all be others than a cpuset has. Nothing that the
  // member gets there is of use to it.
  static void set_aside(Member& member) { member.most = member.least; }

  const Topology& topology_;
  CidSet held_;
  CidSet cpus_;
};

Confinement make_confinement(const Holding& holding, const CidSet& allowed) {
  Confinement confinement;
  for (const auto& held : holding.cids)
    if (allowed.contains(held.cid)) {
      confinement.cids.insert(held.cid);
      confinement.work += held.work;
    }
  return confinement;
}

// As of one member; of several, what confines each in the same way.
std::string_view confined_by(const Level& level, const std::vector<std::uint32_t>& members) {
  const auto first = confined_by(level.members[members.front()]);
  const bool same = std::ranges::all_of(
      members, [&](std::uint32_t member) { return confined_by(level.members[member]) == first; });
  return same ? first : "placement and cpuset";
}

}  // namespace

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
    region.work += held.work;
  }
}

// Members that are confined to the same cids share a confinement: they compete for the same time.
Status find_confinements(Level& level, const Topology& topology) {
  std::map<std::vector<std::uint64_t>, std::uint32_t> known;
  const Allowance allowance(level.holding, topology);
  for (std::uint32_t i = 0; i < level.members.size(); ++i) {
    auto& member = level.members[i];
    const auto found = allowance.of(member);
    if (!found)
      return tl::unexpected(found.error());
    const auto& allowed = *found;
    if (!allowed)
      continue;
    const auto [at, added] =
        known.try_emplace(allowed->words(), static_cast<std::uint32_t>(level.confinements.size()));
    if (added)
      level.confinements.push_back(make_confinement(level.holding, *allowed));
    auto& confinement = level.confinements[at->second];
    member.confinement = at->second;
    member.most = std::min(member.most, confinement.work);
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
    network.add(first_region + r, FlowNetwork::kSink, level.regions[r].work);
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
      collision.time += level.regions[r].work;
    }
  return collision;
}

std::string_view confined_by(const Member& member) {
  const bool by_cpuset = member.cpuset.has_value();
  const bool by_policy = member.delegation != nullptr &&
                         (std::holds_alternative<PlaceCpus>(member.delegation->placement) ||
                          std::holds_alternative<PlaceNodes>(member.delegation->placement));
  if (by_cpuset && by_policy)
    return "placement and cpuset";
  return by_cpuset ? "cpuset" : "placement";
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
  return fmt::format("{} {} confined to cids {} ({}) and {} {} CPUs there, which have {}", names,
                     members.size() == 1 ? "is" : "are", collision.cids.to_string(),
                     confined_by(level, members), need, format_cpus(collision.demand),
                     format_cpus(collision.time));
}

}  // namespace fief
