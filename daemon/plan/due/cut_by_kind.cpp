// SPDX-License-Identifier: GPL-2.0-only
// Dues in work to time on each kind of CPUs.
//
// Members with the same confinement and the same preference form a group. A cheapest flow from
// groups to cells says how much of which cell each group gets: everything fits, as the dues do, and
// preferences are met as far as they can be met together. Within a group small dues are given
// places first, each on one kind; then whole CPUs, to those first who had such; then the rests.
#include <algorithm>
#include <map>
#include <utility>

#include "plan/due/cells.hpp"
#include "plan/due/confine.hpp"
#include "plan/due/flow.hpp"

namespace fief {
namespace {

struct Group {
  Cores cores = Cores::any;
  std::vector<std::uint32_t> members;
  CpuTime due = 0;
  std::vector<CpuTime> budget;  // by cell
};

std::vector<Group> find_groups(const Level& level) {
  std::map<std::pair<std::uint32_t, Cores>, Group> groups;
  for (std::uint32_t i = 0; i < level.members.size(); ++i) {
    const auto& member = level.members[i];
    if (!member.wholes.empty())
      continue;
    auto& group = groups[{member.confinement, member.cores()}];
    group.cores = member.cores();
    group.members.push_back(i);
    group.due += member.due;
  }
  std::vector<Group> out;
  out.reserve(groups.size());
  for (auto& [key, group] : groups)
    out.push_back(std::move(group));
  return out;
}

// What exclusive members leave of each cell.
std::vector<CpuTime> free_work(const Level& level) {
  std::vector<CpuTime> work;
  work.reserve(level.cells.size());
  for (const auto& cell : level.cells)
    work.push_back(cell.work);
  for (const auto& member : level.members)
    for (std::size_t c = 0; c < member.wholes.size(); ++c)
      work[c] -= member.wholes[c] * level.cells[c].cpu();
  return work;
}

// How little a group likes each cell: steps of capacity away from what it prefers.
std::vector<std::int64_t> prices(const Level& level, Cores cores) {
  std::vector<std::int64_t> price(level.cells.size(), 0);
  if (cores == Cores::any)
    return price;
  const auto order = cells_by_preference(level, cores);
  for (std::size_t i = 1; i < order.size(); ++i) {
    const bool same = level.cells[order[i]].capacity == level.cells[order[i - 1]].capacity;
    price[order[i]] = price[order[i - 1]] + (same ? 0 : 1);
  }
  return price;
}

void find_budgets(const Level& level, std::vector<Group>& groups) {
  const auto cells = static_cast<std::uint32_t>(level.cells.size());
  FlowNetwork network(2 + cells + static_cast<std::uint32_t>(groups.size()));
  const auto work = free_work(level);
  for (std::uint32_t c = 0; c < cells; ++c)
    network.add(2 + c, FlowNetwork::kSink, work[c]);
  std::vector<FlowNetwork::Arc> arcs;
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    const auto& member = level.members[groups[g].members.front()];
    const auto price = prices(level, groups[g].cores);
    network.add(FlowNetwork::kSource, 2 + cells + g, groups[g].due);
    for (std::uint32_t c = 0; c < cells; ++c)
      arcs.push_back(network.add(
          2 + cells + g, 2 + c, may_use(level, member, level.cells[c]) ? kUnlimited : 0, price[c]));
  }
  network.send(FlowNetwork::By::cost);
  for (std::uint32_t g = 0; g < groups.size(); ++g)
    for (std::uint32_t c = 0; c < cells; ++c)
      groups[g].budget.push_back(network.flow(arcs[g * cells + c]));
}

// Work by member and cell.
class Table {
 public:
  Table(std::size_t members, std::size_t cells) : cells_(cells), work_(members * cells, 0) {}
  CpuTime& at(std::size_t member, std::size_t cell) { return work_[member * cells_ + cell]; }

 private:
  std::size_t cells_;
  std::vector<CpuTime> work_;
};

class Cutter {
 public:
  Cutter(const Level& level, const LevelPlan* previous, std::uint32_t max_sharers)
      : level_(level),
        work_(level.members.size(), level.cells.size()),
        had_(level.members.size(), level.cells.size()),
        shared_(level.members.size(), level.cells.size()) {
    for (const auto& member : level.members)
      left_.push_back(member.due);
    for (const auto& cell : level.cells) {
      places_.push_back(std::uint64_t{std::max(3U, max_sharers) - 2} * cell.cids);
      wholes_.push_back(cell.wholes);
    }
    if (previous != nullptr)
      read(*previous);
  }

  Table run() {
    take_settled();
    auto groups = find_groups(level_);
    find_budgets(level_, groups);
    for (auto& group : groups)
      cut(group);
    return std::move(work_);
  }

 private:
  void read(const LevelPlan& previous) {
    std::size_t member = 0;
    for (const auto& participant : previous.participants) {
      // Both lists ascend by cgroup.
      while (member < level_.members.size() && level_.members[member].cgroup < participant.cgroup)
        ++member;
      if (member == level_.members.size() || level_.members[member].cgroup != participant.cgroup)
        continue;
      for (const auto cid : participant.exclusive)
        if (const auto cell = cell_at(cid); cell != kNone)
          ++had_.at(member, cell);
      for (const auto& share : participant.shared)
        if (const auto cell = cell_at(share.cid); cell != kNone)
          shared_.at(member, cell) = 1;
    }
  }

  [[nodiscard]] std::uint32_t cell_at(Cid cid) const {
    return cid.value < level_.cell_of.size() ? level_.cell_of[cid.value] : kNone;
  }

  // What exclusive members have chosen.
  void take_settled() {
    for (std::uint32_t i = 0; i < level_.members.size(); ++i)
      for (std::size_t c = 0; c < level_.members[i].wholes.size(); ++c) {
        const auto count = level_.members[i].wholes[c];
        work_.at(i, c) = count * level_.cells[c].cpu();
        wholes_[c] -= count;
        left_[i] = 0;
      }
  }

  void cut(Group& group) {
    order_ = cells_by_preference(level_, group.cores);
    // The scheduler's own tasks may be anywhere: it chooses last.
    if (group.members.front() == 0)
      std::ranges::rotate(group.members, group.members.begin() + 1);
    const auto smallest = level_.cells.back().cpu();
    for (const auto member : group.members)
      if (left_[member] < smallest)
        put_small(group, member);
    for (const auto member : group.members)
      for (const auto cell : order_)
        take_wholes(group, member, cell, had_.at(member, cell));
    for (const auto member : group.members)
      for (const auto cell : order_)
        take_wholes(group, member, cell, kUnlimited);
    for (const auto member : group.members)
      if (left_[member] > 0)
        take_rest(group, member);
  }

  void give(Group& group, std::uint32_t member, std::uint32_t cell, CpuTime work) {
    work_.at(member, cell) += work;
    group.budget[cell] -= work;
    left_[member] -= work;
  }

  void give_part(Group& group, std::uint32_t member, std::uint32_t cell, CpuTime work) {
    give(group, member, cell, work);
    places_[cell] -= std::min<std::uint64_t>(places_[cell], 1);
  }

  // On one kind, where it was before if possible. If it fits nowhere, it is cut like others' rests.
  void put_small(Group& group, std::uint32_t member) {
    auto best = kNone;
    for (const auto cell : order_)
      if (group.budget[cell] >= left_[member] && places_[cell] > 0 &&
          (best == kNone || (shared_.at(member, best) == 0 && shared_.at(member, cell) != 0)))
        best = cell;
    if (best != kNone)
      give_part(group, member, best, left_[member]);
  }

  void take_wholes(Group& group, std::uint32_t member, std::uint32_t cell, CpuTime most) {
    const auto cpu = level_.cells[cell].cpu();
    const auto count =
        std::min({left_[member] / cpu, group.budget[cell] / cpu, CpuTime{wholes_[cell]}, most});
    wholes_[cell] -= static_cast<std::uint32_t>(count);
    give(group, member, cell, count * cpu);
  }

  // Where it shared before, then as it prefers; where there is no place, if there is no other way.
  void take_rest(Group& group, std::uint32_t member) {
    const auto take = [&](std::uint32_t cell, bool may) {
      const auto work = std::min(left_[member], group.budget[cell]);
      if (may && work > 0)
        give_part(group, member, cell, work);
    };
    for (const auto cell : order_)
      take(cell, shared_.at(member, cell) != 0 && places_[cell] > 0);
    for (const auto cell : order_)
      take(cell, places_[cell] > 0);
    for (const auto cell : order_)
      take(cell, true);
  }

  const Level& level_;
  Table work_;
  Table had_;                          // whole CPUs before
  Table shared_;                       // whether it shared any before
  std::vector<CpuTime> left_;          // by member: due and not given yet
  std::vector<std::uint64_t> places_;  // by cell, for members that share
  std::vector<std::uint32_t> wholes_;  // by cell: CPUs that nobody has whole
  std::vector<std::uint32_t> order_;   // of the group's cells
};

// Work on one cell to time there, in place: whole CPUs are whole, and the rests end to end take all
// of the time that these leave, each but for the parts of a unit at its two ends.
void to_time(Table& table, const Level& level, std::uint32_t cell_index) {
  const auto& cell = level.cells[cell_index];
  const auto cpu = cell.cpu();
  auto wholes = CpuTime{cell.wholes};
  auto time = cell.time;
  auto work = cell.work;
  std::vector<CpuTime> count(level.members.size(), 0);
  const auto take = [&](std::size_t member) {
    count[member] = std::min(table.at(member, cell_index) / cpu, wholes);
    wholes -= count[member];
    time -= count[member] * kCpuUnit;
    work -= count[member] * cpu;
  };
  for (std::size_t i = 0; i < count.size(); ++i)
    if (!level.members[i].wholes.empty())
      take(i);
  for (std::size_t i = 0; i < count.size(); ++i)
    if (level.members[i].wholes.empty())
      take(i);
  CpuTime sum = 0;
  CpuTime given = 0;
  for (std::size_t i = 0; i < count.size(); ++i) {
    auto& part = table.at(i, cell_index);
    sum += part - count[i] * cpu;
    const auto upto = work == 0 ? 0 : sum * time / work;
    part = count[i] * kCpuUnit + (upto - given);
    given = upto;
  }
}

// The level as far as it has CPUs of one kind, with time for work.
Level restrict_to(const Level& level, std::uint32_t capacity) {
  Level kind;
  kind.scheduler = level.scheduler;
  kind.path = level.path;
  kind.members = level.members;
  kind.holding.perf = level.holding.perf;
  for (const auto& held : level.holding.cids)
    if (level.cells[level.cell_of[held.cid.value]].capacity == capacity) {
      kind.holding.cids.push_back({held.cid, held.time, held.time});
      kind.holding.total += held.time;
    }
  CidSet cids;
  for (const auto& held : kind.holding.cids)
    cids.insert(held.cid);
  for (const auto& confinement : level.confinements)
    kind.confinements.push_back({confinement.cids & cids, 0, confinement.members});
  if (!kind.confinements.empty())
    find_regions(kind);
  return kind;
}

}  // namespace

std::vector<Level> cut_by_kind(const Level& level, const LevelPlan* previous,
                               std::uint32_t max_sharers) {
  auto table = Cutter(level, previous, max_sharers).run();
  std::vector<Level> kinds;
  for (std::uint32_t c = 0; c < level.cells.size(); ++c) {
    to_time(table, level, c);
    const auto capacity = level.cells[c].capacity;
    if (c == 0 || level.cells[c - 1].capacity != capacity) {
      kinds.push_back(restrict_to(level, capacity));
      for (auto& member : kinds.back().members)
        member.due = 0;
    }
    for (std::size_t i = 0; i < level.members.size(); ++i)
      kinds.back().members[i].due += table.at(i, c);
  }
  return kinds;
}

bool follows_preferences(const Level& level, const LevelPlan& plan) {
  auto groups = find_groups(level);
  if (groups.empty())
    return true;
  find_budgets(level, groups);
  return std::ranges::all_of(groups, [&](const Group& group) {
    std::vector<CpuTime> has(level.cells.size(), 0);
    for (const auto member : group.members) {
      for (const auto cid : plan.participants[member].exclusive)
        has[level.cell_of[cid.value]] += level.cells[level.cell_of[cid.value]].cpu();
      for (const auto& share : plan.participants[member].shared) {
        const auto cell = level.cell_of[share.cid.value];
        has[cell] += work_in(share.fraction, level.cells[cell].capacity);
      }
    }
    // Shares are rounded, two units a member in each direction.
    const auto slack = 2 * group.members.size();
    for (std::size_t c = 0; c < has.size(); ++c)
      if (has[c] + slack < group.budget[c] || group.budget[c] + slack < has[c])
        return false;
    return true;
  });
}

}  // namespace fief
