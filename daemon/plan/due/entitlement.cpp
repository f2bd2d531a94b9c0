// SPDX-License-Identifier: GPL-2.0-only
// Limits, confinements and exclusive rounding around the division by weight.
#include "plan/due/entitlement.hpp"

#include <algorithm>
#include <cmath>

#include "plan/due/cells.hpp"
#include "plan/due/confine.hpp"

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

// Where the cpuset is why a member may not have more.
std::string cpuset_remedy(const Member& member) {
  if (!member.cpuset)
    return {};
  return fmt::format(
      ": its cpuset lets it use only CPUs {}; lower min_cpus, or give it more CPUs with "
      "AllowedCPUs=",
      member.cpuset->to_string());
}

Status check_limits(const Level& level) {
  CpuTime sum = 0;
  const Member* largest = nullptr;
  for (const auto& member : level.members) {
    if (member.least > member.most)
      return fail(Errc::infeasible,
                  "{} asks for at least {} CPUs (min_cpus) but may have only {}{}", member.path,
                  format_cpus(member.least), format_cpus(member.most), cpuset_remedy(member));
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

std::vector<CpuTime> leasts(const Level& level) {
  std::vector<CpuTime> amounts;
  amounts.reserve(level.members.size());
  for (const auto& member : level.members)
    amounts.push_back(member.least);
  return amounts;
}

Collision find_collision_of_leasts(const Level& level) {
  if (level.confinements.empty())
    return {};
  return find_collision(level, leasts(level), std::vector<char>(level.regions.size(), 1));
}

// Members that divide some time among themselves, in some regions only.
struct Group {
  std::vector<std::uint32_t> members;
  std::vector<char> regions;  // which of the level's they may use
  CpuTime total = 0;
};

void divide_group(Level& level, const Group& group) {
  std::vector<Claim> claims;
  claims.reserve(group.members.size());
  for (const auto i : group.members)
    claims.push_back({level.members[i].share, level.members[i].least, level.members[i].most});
  const auto dues = divide_exactly(claims, group.total);
  for (std::size_t k = 0; k < dues.size(); ++k)
    level.members[group.members[k]].due = dues[k];
}

Collision find_collision_in(const Level& level, const Group& group) {
  if (level.confinements.empty())
    return {};
  std::vector<CpuTime> amounts(level.members.size(), 0);
  for (const auto i : group.members)
    amounts[i] = level.members[i].due;
  return find_collision(level, amounts, group.regions);
}

// Those who collide divide what they have to divide, the others the rest.
std::pair<Group, Group> split_group(const Level& level, const Group& group,
                                    const Collision& collision) {
  Group inner{{}, std::vector<char>(level.regions.size(), 0), collision.time};
  Group outer{{}, group.regions, group.total - collision.time};
  for (const auto i : group.members) {
    const bool inside =
        std::ranges::binary_search(collision.confinements, level.members[i].confinement);
    (inside ? inner : outer).members.push_back(i);
  }
  for (std::uint32_t r = 0; r < level.regions.size(); ++r)
    if (group.regions[r] != 0 && collision.cids.intersects(level.regions[r].cids)) {
      inner.regions[r] = 1;
      outer.regions[r] = 0;
    }
  return {std::move(inner), std::move(outer)};
}

// Time goes by shares between limits, as far as confinements let it. Where those who are confined
// are due more than their cids have, the ones that lack most divide these cids among themselves
// and everybody else divides what is left, and so on for both: the decomposition algorithm for
// resource allocation under submodular constraints (Groenevelt 1991; Fujishige, Submodular
// Functions and Optimization, 8.2), which gives the same parts as water-filling wherever it can.
// Members of a group that was split off are marked: there is no more time for them. Whose CPUs are
// chosen already takes no part.
void settle(Level& level) {
  Group all{{}, std::vector<char>(level.regions.size(), 1), level.holding.total};
  for (std::uint32_t i = 0; i < level.members.size(); ++i) {
    level.members[i].crowded = false;
    if (level.members[i].wholes.empty())
      all.members.push_back(i);
    else
      all.total -= level.members[i].due;
  }
  std::vector<Group> open;
  open.push_back(std::move(all));
  while (!open.empty()) {
    const auto group = std::move(open.back());
    open.pop_back();
    divide_group(level, group);
    const auto collision = find_collision_in(level, group);
    if (collision.confinements.empty())
      continue;
    auto [inner, outer] = split_group(level, group, collision);
    for (const auto i : inner.members)
      level.members[i].crowded = true;
    open.push_back(std::move(inner));
    open.push_back(std::move(outer));
  }
}

void record_by_weight(Level& level) {
  const auto total = static_cast<double>(level.holding.total);
  for (auto& member : level.members) {
    member.by_weight = static_cast<CpuTime>(std::llround(member.share * total));
    member.nominal_time = static_cast<CpuTime>(std::llround(member.nominal * total));
  }
}

void pin(Member& member, CpuTime due) {
  member.least = due;
  member.most = due;
  member.due = due;
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
  const auto limit = member.crowded ? member.due : std::min(member.most, level.holding.total);
  const auto most = limit / grain * grain;
  if (least > most)
    return fail(Errc::infeasible,
                "{} is exclusive and needs at least {} whole CPUs, but may have only {} "
                "(max_cpus, placement, cpuset, or the CPUs of {})",
                member.path, format_cpus(least), format_cpus(limit), level.path);
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

// Rounding up may have taken too much of some cids: who gained most there gives back first.
Status fit_confined(Level& level, std::vector<Rounded>& rounded) {
  for (const auto& item : rounded)
    pin(level.members[item.member], item.due);
  for (auto collision = find_collision_of_leasts(level); !collision.confinements.empty();
       collision = find_collision_of_leasts(level)) {
    const auto gives = std::ranges::find_if(rounded, [&](const Rounded& item) {
      return item.due > item.least &&
             std::ranges::binary_search(collision.confinements,
                                        level.members[item.member].confinement);
    });
    if (gives == rounded.end())
      return fail(Errc::infeasible, "{}",
                  describe(level, collision, "need, exclusive ones rounded to whole CPUs,"));
    gives->due -= gives->grain;
    pin(level.members[gives->member], gives->due);
  }
  return {};
}

CpuTime whole_time(const Holding& holding) {
  CpuTime time = 0;
  for (const auto& held : holding.cids)
    time += held.time == kCpuUnit ? held.time : 0;
  return time;
}

// Where CPUs are of several kinds, which ones an exclusive member gets decides what that is.
Status settle_exclusive_by_kind(Level& level) {
  if (std::ranges::none_of(level.members, &Member::whole_only))
    return {};
  if (auto status = choose_whole_cpus(level); !status)
    return status;
  settle(level);
  return {};
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
  if (const auto fitted = fit_confined(level, rounded); !fitted)
    return fitted;
  settle(level);
  return {};
}

// Whether somebody waits for what sleeps there, and its weight is worth more than a CPU.
bool wakes_for_somebody(const Member& member) {
  return !member.awake && member.delegation != nullptr &&
         member.delegation->scheduler == kLatencyScheduler &&
         member.delegation->lend != Lend::nothing && !member.whole_only() &&
         member.nominal_time > kCpuUnit && member.most >= kCpuUnit;
}

// Who sleeps is due nothing, and has CPUs again with the next plan after it has woken. Where
// somebody waits that is too late: such a member keeps one, lent meanwhile, to wake on, as long as
// at least half of what there is remains for others.
void keep_to_wake_on(Level& level) {
  if (!level.confinements.empty() || !level.cells.empty())
    return;
  CpuTime sum = 0;
  for (const auto& member : level.members)
    sum += member.least;
  for (auto& member : level.members) {
    if (!wakes_for_somebody(member) || member.least >= kCpuUnit)
      continue;
    sum += kCpuUnit - member.least;
    if (sum > level.holding.total / 2)
      return;
    member.least = kCpuUnit;
  }
}

}  // namespace

Status settle_entitlements(Level& level, const PlanInput& input) {
  record_by_weight(level);
  if (auto status = set_floor(level, input); !status)
    return status;
  if (auto status = find_confinements(level, input.topology); !status)
    return status;
  find_cells(level, input.topology);
  if (auto status = check_limits(level); !status)
    return status;
  if (const auto collision = find_collision_of_leasts(level); !collision.confinements.empty())
    return fail(Errc::infeasible, "{}", describe(level, collision, "ask for at least (min_cpus)"));
  keep_to_wake_on(level);
  settle(level);
  return level.cells.empty() ? settle_exclusive(level, input.topology)
                             : settle_exclusive_by_kind(level);
}

}  // namespace fief
