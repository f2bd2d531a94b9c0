// SPDX-License-Identifier: GPL-2.0-only
// Limits, confinements and exclusive rounding around the division by weight.
#include "plan/entitlement.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace fief {
namespace {

// The parent always keeps a floor: by default a sixteenth of what it has, at most one CPU.
Status set_floor(Level& level, const PlanInput& input) {
  const auto total = level.holding.total;
  auto floor = std::min<CpuTime>(kCpuUnit, total / 16);
  const auto& wanted = input.policy.root.min_cpus;
  if (level.scheduler == kSelf && wanted) {
    floor = static_cast<CpuTime>(std::llround(*wanted * static_cast<double>(kCpuUnit)));
    if (floor > total)
      return fail(Errc::infeasible, "the root is to keep {} CPUs (min_cpus), but there are only {}",
                  format_cpus(floor), format_cpus(total));
  }
  auto& self = level.members[0];
  self.least = std::max(self.least, floor);
  return {};
}

CidSet cids_of_cpus(const CidSet& cpus, const Topology& topology) {
  CidSet cids;
  for (const auto& info : topology.cids)
    if (cpus.contains(Cid{info.cpu}))
      cids.insert(info.cid);
  return cids;
}

const CidSet* confining_cpus(const Member& member) {
  if (member.delegation == nullptr)
    return nullptr;
  const auto* place = std::get_if<PlaceCpus>(&member.delegation->placement);
  return place == nullptr ? nullptr : &place->cpus;
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

// Members with equal CPU lists share a confinement: they compete for the same time.
Status confine(Level& level, const PlanInput& input) {
  std::map<std::vector<std::uint64_t>, std::uint32_t> known;
  for (std::uint32_t i = 0; i < level.members.size(); ++i) {
    auto& member = level.members[i];
    const auto* cpus = confining_cpus(member);
    if (cpus == nullptr)
      continue;
    const auto [at, added] =
        known.try_emplace(cpus->words(), static_cast<std::uint32_t>(level.confinements.size()));
    if (added)
      level.confinements.push_back(
          make_confinement(level.holding, cids_of_cpus(*cpus, input.topology)));
    auto& confinement = level.confinements[at->second];
    if (confinement.time == 0)
      return fail(Errc::infeasible,
                  "{} is confined to CPUs {} (placement), but none of them can be handed out",
                  member.path, cpus->to_string());
    member.confinement = at->second;
    member.most = std::min(member.most, confinement.time);
    confinement.members.push_back(i);
  }
  return {};
}

Status check_limits(const Level& level) {
  CpuTime sum = 0;
  const Member* largest = nullptr;
  for (const auto& member : level.members) {
    if (member.least > member.most)
      return fail(Errc::infeasible, "{} asks for at least {} CPUs (min_cpus) but may have only {}",
                  member.path, format_cpus(member.least), format_cpus(member.most));
    sum += member.least;
    if (member.cgroup != kSelf && (largest == nullptr || member.least > largest->least))
      largest = &member;
  }
  if (sum <= level.holding.total)
    return {};
  if (largest == nullptr)
    return fail(Errc::infeasible, "{} has {} CPUs, which is less than it must keep", level.path,
                format_cpus(level.holding.total));
  const auto others = sum - largest->least;
  return fail(Errc::infeasible,
              "{} asks for at least {} CPUs (min_cpus), but of the {} CPUs of {} only {} are "
              "available beside the {} that others must have",
              largest->path, format_cpus(largest->least), format_cpus(level.holding.total),
              level.path, format_cpus(level.holding.total - std::min(level.holding.total, others)),
              format_cpus(others));
}

std::vector<Claim> claims_of(const Level& level) {
  std::vector<Claim> claims;
  claims.reserve(level.members.size());
  for (const auto& member : level.members)
    claims.push_back({member.share, member.least, member.most});
  return claims;
}

void settle(Level& level) {
  const auto dues = divide_exactly(claims_of(level), level.holding.total);
  for (std::size_t i = 0; i < dues.size(); ++i)
    level.members[i].due = dues[i];
}

void record_by_weight(Level& level) {
  for (auto& member : level.members)
    member.by_weight =
        static_cast<CpuTime>(std::llround(member.share * static_cast<double>(level.holding.total)));
}

void pin(Member& member, CpuTime due) {
  member.least = due;
  member.most = due;
  member.due = due;
}

// Leaves an exclusive member room to be rounded down later.
void cap(Member& member, CpuTime due) {
  if (!member.whole_only())
    pin(member, due);
  member.most = due;
  member.due = due;
}

// Members of one confinement may together be due more time than its cids have: they divide that
// time among themselves, and the rest of the level divides what they cannot use.
Status settle_confinements(Level& level) {
  for (const auto& confinement : level.confinements) {
    CpuTime due = 0;
    CpuTime least = 0;
    std::vector<Claim> claims;
    for (const auto i : confinement.members) {
      const auto& member = level.members[i];
      due += member.due;
      least += member.least;
      claims.push_back({member.share, member.least, member.most});
    }
    if (due <= confinement.time)
      continue;
    if (least > confinement.time)
      return fail(Errc::infeasible,
                  "{} and others ask for at least {} CPUs (min_cpus) among the {} they are "
                  "confined to",
                  level.members[confinement.members[0]].path, format_cpus(least),
                  format_cpus(confinement.time));
    const auto dues = divide_exactly(claims, confinement.time);
    for (std::size_t k = 0; k < dues.size(); ++k)
      cap(level.members[confinement.members[k]], dues[k]);
    settle(level);
  }
  return {};
}

// Whole cores where threads may not be divided among owners, else whole CPUs.
CpuTime grain_of(const Member& member, CpuTime core) {
  return member.splits_cores() ? kCpuUnit : core;
}

// Time of the largest core that is held whole.
CpuTime core_time(const Holding& holding, const Topology& topology) {
  CpuTime largest = kCpuUnit;
  CpuTime time = 0;
  std::uint32_t core = kNone;
  for (const auto& held : holding.cids) {
    const auto at = topology.cids[held.cid.value].core;
    time = at == core ? time + held.time : held.time;
    core = at;
    if (held.time == kCpuUnit && time % kCpuUnit == 0)
      largest = std::max(largest, time);
  }
  return largest;
}

// A member to be rounded to whole grains, between limits that are whole grains too.
struct Rounded {
  std::uint32_t member;
  CpuTime grain;
  CpuTime least;
  CpuTime due;
  CpuTime exact;
};

Result<Rounded> round_member(const Level& level, std::uint32_t index, CpuTime core) {
  const auto& member = level.members[index];
  const auto grain = grain_of(member, core);
  const auto least = std::max(grain, (member.least + grain - 1) / grain * grain);
  const auto most = std::min(member.most, level.holding.total) / grain * grain;
  if (least > most)
    return fail(Errc::infeasible,
                "{} is exclusive and needs at least {} whole CPUs, but may have only {} "
                "(max_cpus, placement, or the CPUs of {})",
                member.path, format_cpus(least),
                format_cpus(std::min(member.most, level.holding.total)), level.path);
  const auto nearest = (member.due + grain / 2) / grain * grain;
  return Rounded{index, grain, least, std::clamp(nearest, least, most), member.due};
}

// Gives back what rounding up took too much of, beginning with whom it favoured most.
Status fit_rounded(const Level& level, std::vector<Rounded>& rounded, CpuTime available) {
  CpuTime sum = 0;
  for (const auto& item : rounded)
    sum += item.due;
  std::ranges::sort(rounded, [](const Rounded& a, const Rounded& b) {
    const auto gain_a = static_cast<std::int64_t>(a.due) - static_cast<std::int64_t>(a.exact);
    const auto gain_b = static_cast<std::int64_t>(b.due) - static_cast<std::int64_t>(b.exact);
    return gain_a != gain_b ? gain_a > gain_b : a.member < b.member;
  });
  for (auto& item : rounded)
    while (sum > available && item.due > item.least) {
      item.due -= item.grain;
      sum -= item.grain;
    }
  if (sum <= available)
    return {};
  return fail(Errc::infeasible,
              "{} and the other exclusive delegations need {} whole CPUs, but of the {} CPUs of {} "
              "only {} are available beside what others must have",
              level.members[rounded.front().member].path, format_cpus(sum),
              format_cpus(level.holding.total), level.path, format_cpus(available));
}

CpuTime whole_time(const Holding& holding) {
  CpuTime time = 0;
  for (const auto& held : holding.cids)
    time += held.time == kCpuUnit ? held.time : 0;
  return time;
}

// Exclusive members get whole CPUs; the others divide what that leaves.
Status settle_exclusive(Level& level, const Topology& topology) {
  const auto core = core_time(level.holding, topology);
  std::vector<Rounded> rounded;
  CpuTime others = 0;
  for (std::uint32_t i = 0; i < level.members.size(); ++i) {
    if (!level.members[i].whole_only()) {
      others += level.members[i].least;
      continue;
    }
    const auto item = round_member(level, i, core);
    if (!item)
      return tl::unexpected(item.error());
    rounded.push_back(*item);
  }
  if (rounded.empty())
    return {};
  const auto left = level.holding.total - std::min(level.holding.total, others);
  const auto available = std::min(left, whole_time(level.holding));
  if (const auto fitted = fit_rounded(level, rounded, available); !fitted)
    return fitted;
  for (const auto& item : rounded)
    pin(level.members[item.member], item.due);
  settle(level);
  return {};
}

}  // namespace

Status settle_entitlements(Level& level, const PlanInput& input) {
  record_by_weight(level);
  if (auto status = set_floor(level, input); !status)
    return status;
  if (auto status = confine(level, input); !status)
    return status;
  if (auto status = check_limits(level); !status)
    return status;
  settle(level);
  if (auto status = settle_confinements(level); !status)
    return status;
  return settle_exclusive(level, input.topology);
}

}  // namespace fief
