// SPDX-License-Identifier: GPL-2.0-only
// Overlapping confinements made disjoint: how much each member gets in each region.
//
// Whole CPUs are sent first, in whole units, so every flow is of whole CPUs; then the rests, which
// may send wholes another way where nothing else fits: exactness before whole CPUs. Exclusive
// members are not moved by rests. Where that leaves no way, everybody is rounded up to whole CPUs,
// which keeps all flows whole, and what was too much is left to others.
#include <algorithm>

#include "plan/due/confine.hpp"
#include "plan/due/flow.hpp"

namespace fief {
namespace {

bool overlap(const Level& level) {
  return std::ranges::any_of(level.regions,
                             [](const Region& region) { return region.confinements.size() > 1; });
}

CpuTime whole_part(CpuTime time) {
  return time / kCpuUnit * kCpuUnit;
}

class Cutter {
 public:
  Cutter(const Level& level, const Layout& layout, const Before& before)
      : level_(level), layout_(layout) {
    region_of_.assign(layout.size(), kNone);
    whole_.assign(level.regions.size(), 0);
    for (std::uint32_t r = 0; r < level.regions.size(); ++r)
      for (const auto cid : level.regions[r].cids)
        if (const auto at = layout.find(cid); at != kNone) {
          region_of_[at] = r;
          whole_[r] += kCpuUnit;
        }
    had_.assign(level.members.size(), {});
    for (std::uint32_t at = 0; at < layout.size(); ++at)
      if (before.owner[at] != kNone && region_of_[at] != kNone) {
        auto& had = had_[before.owner[at]];
        had.resize(level.regions.size());
        had[region_of_[at]] += kCpuUnit;
      }
  }

  /// Time by member and region.
  using Cut = std::vector<std::vector<CpuTime>>;

  Result<Cut> run() {
    const auto exact = cut(false);
    if (exact)
      return *exact;
    const auto rounded = cut(true);
    if (rounded)
      return *rounded;
    return fail(Errc::infeasible, "{}", describe(level_, collision_, "cannot share their"));
  }

  [[nodiscard]] Unlocked unlock(const Before& before, const Cut& cut) const {
    Unlocked out;
    auto& level = out.level;
    level.scheduler = level_.scheduler;
    level.path = level_.path;
    level.holding = level_.holding;
    std::vector<std::vector<std::uint32_t>> part(level_.members.size());
    for (const auto& region : level_.regions)
      level.confinements.push_back({region.cids, region.work, {}});
    for (std::uint32_t i = 0; i < level_.members.size(); ++i)
      add_parts(i, cut[i], part[i], out);
    remap(before, part, out.before);
    for (const auto origin : out.origin)
      out.before.shares.push_back(before.shares[origin]);
    return out;
  }

 private:
  struct Ways {
    FlowNetwork::Arc asked = 0;          // from the source, whole CPUs
    std::vector<FlowNetwork::Arc> arcs;  // by region, those that cost nothing
    std::vector<FlowNetwork::Arc> paid;  // by region, those that move cids
  };

  [[nodiscard]] FlowNetwork::Node node_of(std::uint32_t region) const { return 2 + region; }

  std::optional<Cut> cut(bool round_up) {
    FlowNetwork network(
        static_cast<std::uint32_t>(2 + level_.regions.size() + level_.members.size()));
    for (std::uint32_t r = 0; r < level_.regions.size(); ++r)
      network.add(node_of(r), FlowNetwork::kSink, whole_[r]);
    std::vector<Ways> ways(level_.members.size());
    CpuTime wholes = 0;
    CpuTime total = 0;
    for (std::uint32_t i = 0; i < level_.members.size(); ++i)
      if (level_.members[i].confinement != kNone) {
        const auto due = level_.members[i].due;
        const auto asked = round_up ? whole_part(due + kCpuUnit - 1) : whole_part(due);
        ways[i] = add_member(network, i, asked);
        wholes += asked;
        total += due;
      }
    const auto sent = network.send(FlowNetwork::By::cost);
    if (round_up && sent < wholes)
      return std::nullopt;
    if (!round_up && !send_rests(network, ways, total - sent))
      return std::nullopt;
    return read(network, ways);
  }

  Ways add_member(FlowNetwork& network, std::uint32_t member, CpuTime asked) {
    const auto node = static_cast<FlowNetwork::Node>(2 + level_.regions.size() + member);
    Ways ways;
    ways.asked = network.add(FlowNetwork::kSource, node, asked);
    for (std::uint32_t r = 0; r < level_.regions.size(); ++r) {
      const bool inside = std::ranges::binary_search(level_.regions[r].confinements,
                                                     level_.members[member].confinement);
      const auto had = had_[member].empty() ? 0 : had_[member][r];
      ways.arcs.push_back(network.add(node, node_of(r), inside ? had : 0, 0));
      ways.paid.push_back(network.add(node, node_of(r), inside ? kUnlimited : 0, 1));
    }
    return ways;
  }

  // What the wholes have left open, parts of cids included: what of them found no way counts to the
  // rests, so their own arcs carry no more. False if not all of it finds a place.
  bool send_rests(FlowNetwork& network, const std::vector<Ways>& ways, CpuTime rests) {
    for (std::uint32_t r = 0; r < level_.regions.size(); ++r)
      network.add(node_of(r), FlowNetwork::kSink, level_.regions[r].work - whole_[r]);
    for (std::uint32_t i = 0; i < ways.size(); ++i) {
      if (ways[i].arcs.empty())
        continue;
      network.freeze(ways[i].asked);
      CpuTime got = 0;
      for (std::size_t r = 0; r < ways[i].arcs.size(); ++r)
        got += network.flow(ways[i].arcs[r]) + network.flow(ways[i].paid[r]);
      if (level_.members[i].whole_only())
        for (std::size_t r = 0; r < ways[i].arcs.size(); ++r) {
          network.freeze(ways[i].arcs[r]);
          network.freeze(ways[i].paid[r]);
        }
      if (got < level_.members[i].due)
        network.add(FlowNetwork::kSource,
                    static_cast<FlowNetwork::Node>(2 + level_.regions.size() + i),
                    level_.members[i].due - got);
    }
    if (network.send(FlowNetwork::By::length) == rests)
      return true;
    note_collision(network, ways);
    return false;
  }

  void note_collision(const FlowNetwork& network, const std::vector<Ways>& ways) {
    const auto reached = network.reachable();
    collision_ = {};
    std::vector<char> hit(level_.confinements.size(), 0);
    for (std::uint32_t r = 0; r < level_.regions.size(); ++r)
      if (reached[node_of(r)] != 0) {
        collision_.cids |= level_.regions[r].cids;
        collision_.time += level_.regions[r].work;
      }
    for (std::uint32_t i = 0; i < ways.size(); ++i) {
      const auto confinement = level_.members[i].confinement;
      if (confinement == kNone ||
          !level_.confinements[confinement].cids.intersects(collision_.cids))
        continue;
      collision_.demand += level_.members[i].due;
      if (hit[confinement]++ == 0)
        collision_.confinements.push_back(confinement);
    }
  }

  // Rounding up may have found more than is due: the last region gives it back.
  [[nodiscard]] Cut read(const FlowNetwork& network, const std::vector<Ways>& ways) const {
    Cut cut(level_.members.size());
    for (std::uint32_t i = 0; i < ways.size(); ++i) {
      auto left = level_.members[i].due;
      for (std::size_t r = 0; r < ways[i].arcs.size(); ++r) {
        const auto flow = network.flow(ways[i].arcs[r]) + network.flow(ways[i].paid[r]);
        cut[i].push_back(std::min(left, flow));
        left -= cut[i].back();
      }
    }
    return cut;
  }

  void add_parts(std::uint32_t member, const std::vector<CpuTime>& times,
                 std::vector<std::uint32_t>& part, Unlocked& out) const {
    part.assign(level_.regions.size(), kNone);
    const auto add = [&](CpuTime due, std::uint32_t region) {
      const auto index = static_cast<std::uint32_t>(out.level.members.size());
      auto copy = level_.members[member];
      copy.due = due;
      copy.confinement = region;
      out.level.members.push_back(std::move(copy));
      out.origin.push_back(member);
      if (region != kNone)
        out.level.confinements[region].members.push_back(index);
      return index;
    };
    if (level_.members[member].confinement == kNone) {
      std::ranges::fill(part, add(level_.members[member].due, kNone));
      return;
    }
    for (std::uint32_t r = 0; r < times.size(); ++r)
      if (times[r] > 0)
        part[r] = add(times[r], r);
  }

  void remap(const Before& before, const std::vector<std::vector<std::uint32_t>>& part,
             Before& out) const {
    out = {before.owner, before.shared, before.home, {}};
    const auto part_at = [&](std::uint32_t who, std::uint32_t position) {
      if (who >= part.size())
        return who;
      const auto region = region_of_[position];
      if (region != kNone)
        return part[who][region];
      return level_.members[who].confinement == kNone ? part[who].front() : kNone;
    };
    for (std::uint32_t at = 0; at < layout_.size(); ++at) {
      out.owner[at] = part_at(before.owner[at], at);
      out.home[at] = part_at(before.home[at], at);
    }
  }

  const Level& level_;
  const Layout& layout_;
  std::vector<std::uint32_t> region_of_;   // by position
  std::vector<CpuTime> whole_;             // time of the cids held whole, by region
  std::vector<std::vector<CpuTime>> had_;  // time owned before, by member and region
  Collision collision_;
};

}  // namespace

Result<std::optional<Unlocked>> unlock_confinements(const Level& level, const Layout& layout,
                                                    const Before& before) {
  if (!overlap(level))
    return std::nullopt;
  Cutter cutter(level, layout, before);
  const auto cut = cutter.run();
  if (!cut)
    return tl::unexpected(cut.error());
  return cutter.unlock(before, *cut);
}

}  // namespace fief
