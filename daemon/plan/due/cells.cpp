// SPDX-License-Identifier: GPL-2.0-only
// Cells of a level, and exclusive members' whole CPUs among them.
#include "plan/due/cells.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "plan/due/confine.hpp"

namespace fief {
namespace {

std::vector<std::uint32_t> regions_by_cid(const Level& level, std::size_t nr_cids) {
  std::vector<std::uint32_t> region_of(nr_cids, kNone);
  for (std::uint32_t r = 0; r < level.regions.size(); ++r)
    for (const auto cid : level.regions[r].cids)
      region_of[cid.value] = r;
  return region_of;
}

void count_threads(Level& level, const Topology& topology) {
  auto core = kNone;
  auto at = kNone;
  std::uint32_t threads = 0;
  for (const auto& held : level.holding.cids) {
    if (held.time != kCpuUnit)
      continue;
    const auto cell = level.cell_of[held.cid.value];
    const auto here = topology.cids[held.cid.value].core;
    threads = here == core && cell == at ? threads + 1 : 1;
    core = here;
    at = cell;
    level.cells[cell].threads = std::max(level.cells[cell].threads, threads);
  }
}

// Chooses for one exclusive member after another.
class WholeCpus {
 public:
  explicit WholeCpus(Level& level) : level_(level) {
    CpuTime leasts = 0;
    for (const auto& member : level.members)
      leasts += member.least;
    spare_ = level.holding.total - std::min(level.holding.total, leasts);
    for (const auto& cell : level.cells)
      left_.push_back(cell.wholes);
    for (const auto& member : level.members)
      leasts_.push_back(member.least);
  }

  Status run() {
    for (std::uint32_t i = 0; i < level_.members.size(); ++i)
      if (level_.members[i].whole_only())
        if (auto status = choose(i); !status)
          return status;
    return {};
  }

 private:
  Status choose(std::uint32_t index) {
    auto& member = level_.members[index];
    spare_ += member.least;
    leasts_[index] = 0;
    most_ = std::min({member.most, spare_, member.crowded ? member.due : member.most});
    got_ = 0;
    member.wholes.assign(level_.cells.size(), 0);
    const auto order = cells_by_preference(level_, member.cores());
    take_nearest(member, order);
    take_at_least(member, order);
    if (got_ == 0 || got_ < member.least)
      return fail(Errc::infeasible,
                  "{} is exclusive and needs at least {} CPUs in whole ones, but may have only {} "
                  "(max_cpus, placement, cpuset, or the CPUs of {})",
                  member.path, format_cpus(std::max<CpuTime>(member.least, 1)),
                  format_cpus(std::min(most_, level_.holding.total)), level_.path);
    spare_ -= got_;
    member.due = member.least = member.most = got_;
    return {};
  }

  // One kind does for most: only where it has too few CPUs the next one follows.
  void take_nearest(Member& member, const std::vector<std::uint32_t>& order) {
    for (const auto cell : order) {
      const auto grain = grain_of(member, cell);
      const auto missing = member.due - std::min(member.due, got_);
      const auto wanted = (missing + grain / 2) / grain;
      if (take(member, cell, wanted) == wanted && got_ > 0)
        return;
    }
  }

  void take_at_least(Member& member, const std::vector<std::uint32_t>& order) {
    const auto least = std::max<CpuTime>(member.least, 1);
    for (const auto cell : order) {
      if (got_ >= least)
        return;
      const auto grain = grain_of(member, cell);
      take(member, cell, (least - got_ + grain - 1) / grain);
    }
  }

  [[nodiscard]] std::uint32_t cpus_of(const Member& member, std::uint32_t cell) const {
    return member.splits_cores() ? 1 : level_.cells[cell].threads;
  }

  [[nodiscard]] CpuTime grain_of(const Member& member, std::uint32_t cell) const {
    return cpus_of(member, cell) * level_.cells[cell].cpu();
  }

  // Takes up to @p wanted grains; returns how many that were.
  CpuTime take(Member& member, std::uint32_t cell, CpuTime wanted) {
    if (!may_use(level_, member, level_.cells[cell]))
      return 0;
    const auto cpus = cpus_of(member, cell);
    const auto grain = grain_of(member, cell);
    auto count = std::min({wanted, CpuTime{left_[cell] / cpus}, (most_ - got_) / grain});
    while (count > 0 && !set_apart(cell, count * grain))
      --count;
    got_ += count * grain;
    left_[cell] -= static_cast<std::uint32_t>(count) * cpus;
    member.wholes[cell] += static_cast<std::uint32_t>(count) * cpus;
    return count;
  }

  // False if those confined there could then not have what they must.
  bool set_apart(std::uint32_t cell, CpuTime work) {
    const auto region = level_.cells[cell].region;
    if (region == kNone)
      return true;
    if (level_.regions[region].work < work)
      return false;
    level_.regions[region].work -= work;
    const std::vector<char> all(level_.regions.size(), 1);
    if (find_collision(level_, leasts_, all).confinements.empty())
      return true;
    level_.regions[region].work += work;
    return false;
  }

  Level& level_;
  CpuTime spare_ = 0;                // beside what everybody must have
  CpuTime most_ = 0;                 // of the one that chooses
  CpuTime got_ = 0;                  // by it
  std::vector<std::uint32_t> left_;  // whole CPUs, by cell
  std::vector<CpuTime> leasts_;      // of those who have not chosen
};

}  // namespace

void find_cells(Level& level, const Topology& topology) {
  const auto capacity_of = [&](Cid cid) { return topology.cids[cid.value].capacity; };
  const bool full = std::ranges::all_of(level.holding.cids, [&](const HeldCid& held) {
    return capacity_of(held.cid) == kFullCapacity;
  });
  if (full)
    return;
  const auto region_of = regions_by_cid(level, topology.cids.size());
  std::map<std::pair<std::uint32_t, std::uint32_t>, Cell> cells;
  const auto key_of = [&](Cid cid) {
    return std::pair(kFullCapacity - capacity_of(cid), region_of[cid.value]);
  };
  for (const auto& held : level.holding.cids) {
    auto& cell = cells[key_of(held.cid)];
    cell.capacity = capacity_of(held.cid);
    cell.region = region_of[held.cid.value];
    ++cell.cids;
    cell.wholes += held.time == kCpuUnit ? 1U : 0U;
    cell.time += held.time;
    cell.work += held.work;
  }
  for (const auto& [key, cell] : cells)
    level.cells.push_back(cell);
  level.cell_of.assign(topology.cids.size(), kNone);
  for (const auto& held : level.holding.cids)
    level.cell_of[held.cid.value] =
        static_cast<std::uint32_t>(std::distance(cells.begin(), cells.find(key_of(held.cid))));
  count_threads(level, topology);
}

bool may_use(const Level& level, const Member& member, const Cell& cell) {
  return member.confinement == kNone ||
         (cell.region != kNone &&
          std::ranges::binary_search(level.regions[cell.region].confinements, member.confinement));
}

std::vector<std::uint32_t> cells_by_preference(const Level& level, Cores cores) {
  std::vector<std::uint32_t> order(level.cells.size());
  std::iota(order.begin(), order.end(), 0U);
  if (cores == Cores::efficiency)
    std::ranges::reverse(order);
  return order;
}

Status choose_whole_cpus(Level& level) {
  return WholeCpus(level).run();
}

}  // namespace fief
