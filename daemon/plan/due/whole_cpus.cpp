// SPDX-License-Identifier: GPL-2.0-only
// Splits dues in whole CPUs and shares.
//
// Cores: where threads of one core may not have two owners, an odd CPU of a member needs a core
// whose other threads are shared ones. With o such members, s shared cids and two threads a core,
// s < o leaves (o - s) / 2 cores short. Each member that shares its odd CPU as well relieves one
// core and adds one shared cid, so (o - s) / 2 of them suffice. Its share then exceeds one CPU and
// must lie across two shared cids; the smaller the rest the easier that is (packing.cpp), so those
// with the smallest rest do it.
#include "plan/due/whole_cpus.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace fief {
namespace {

class Splitter {
 public:
  Splitter(const Level& level, const Layout& layout) : level_(level), layout_(layout) {}

  Wholes run(std::uint32_t max_sharers) {
    split();
    respect_held_wholes();
    reserve_confined_pools();
    make_room_for_sharers(max_sharers);
    avoid_divided_cores();
    return std::move(wholes_);
  }

 private:
  [[nodiscard]] bool may_share_more(std::uint32_t member) const {
    return !level_.members[member].whole_only() && level_.members[member].confinement == kNone &&
           wholes_.count[member] > 0;
  }

  void share_one(std::uint32_t member) {
    --wholes_.count[member];
    wholes_.rest[member] += kCpuUnit;
  }

  void split() {
    for (const auto& member : level_.members) {
      wholes_.count.push_back(static_cast<std::uint32_t>(member.due / kCpuUnit));
      wholes_.rest.push_back(member.due % kCpuUnit);
    }
  }

  [[nodiscard]] std::uint64_t total_count() const {
    return std::accumulate(wholes_.count.begin(), wholes_.count.end(), std::uint64_t{0});
  }

  // Parts of cids may add up to a whole CPU that no cid can give.
  void respect_held_wholes() {
    for (auto count = total_count(); count > layout_.size(); --count) {
      const auto member = most_wholes();
      if (member == kNone)
        return;
      share_one(member);
    }
  }

  // The scheduler itself first: its own tasks may be anywhere. Then whoever has most.
  [[nodiscard]] std::uint32_t most_wholes() const {
    if (may_share_more(0))
      return 0;
    auto best = kNone;
    for (std::uint32_t i = 1; i < wholes_.count.size(); ++i)
      if (may_share_more(i) && (best == kNone || wholes_.count[i] > wholes_.count[best]))
        best = i;
    return best;
  }

  // Shared cids of the level that no confinement has claimed.
  [[nodiscard]] std::int64_t open_pool() const {
    auto pool =
        static_cast<std::int64_t>(layout_.size()) - static_cast<std::int64_t>(total_count());
    for (const auto claimed : wholes_.confined_pool)
      pool -= claimed;
    return pool;
  }

  // The cids held whole that a confinement's members share, beside those held in part.
  std::uint32_t confined_pool(const Confinement& confinement) {
    CpuTime parts = 0;
    std::int64_t wholes = 0;
    for (const auto& part : layout_.parts)
      parts += confinement.cids.contains(part.cid) ? part.time : 0;
    for (const auto cid : confinement.cids)
      wholes += layout_.find(cid) != kNone ? 1 : 0;
    CpuTime rest = 0;
    for (const auto i : confinement.members) {
      rest += wholes_.rest[i];
      wholes -= wholes_.count[i];
    }
    for (const auto i : confinement.members)
      for (; wholes < 0 && wholes_.count[i] > 0 && !level_.members[i].whole_only(); ++wholes) {
        share_one(i);
        rest += kCpuUnit;
      }
    return static_cast<std::uint32_t>((rest - std::min(rest, parts) + kCpuUnit - 1) / kCpuUnit);
  }

  void reserve_confined_pools() {
    for (const auto& confinement : level_.confinements)
      wholes_.confined_pool.push_back(confined_pool(confinement));
    for (auto pool = open_pool(); pool < 0; ++pool) {
      const auto member = most_wholes();
      if (member == kNone)
        return;
      share_one(member);
    }
  }

  [[nodiscard]] std::uint64_t sharing_members() const {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(wholes_.rest, [](CpuTime rest) { return rest != 0; }));
  }

  // Many small shares fill the places on a cid before its time: members with whole CPUs to give
  // take the rest of the time. Two places a cid stay free for them.
  void make_room_for_sharers(std::uint32_t max_sharers) {
    const std::uint64_t places = std::max(3U, max_sharers) - 2;
    auto shared = layout_.size() - total_count() + layout_.parts.size();
    while (sharing_members() > places * shared) {
      const auto member = most_wholes();
      if (member == kNone)
        return;
      share_one(member);
      ++shared;
    }
  }

  // Cores that members need: whole ones, and one for the odd CPU of each. Members that may split
  // cores could meet on one, but those that keep what they have do not: they are not counted on.
  struct CoreNeed {
    std::uint64_t whole = 0;
    std::uint64_t odd = 0;
  };

  [[nodiscard]] CoreNeed count_cores() const {
    CoreNeed need;
    for (const auto count : wholes_.count) {
      need.whole += count / 2;
      need.odd += count % 2;
    }
    return need;
  }

  // Single-thread cores (the other thread is offline, or not held) serve odd CPUs; two of those
  // left over are as good as a core.
  [[nodiscard]] std::uint64_t available_cores(const CoreNeed& need) const {
    const auto singles = static_cast<std::uint64_t>(
        std::ranges::count_if(layout_.cores, [](const auto& core) { return core.size() == 1; }));
    const auto used = std::min(singles, need.odd);
    return layout_.cores.size() - singles + used + (singles - used) / 2;
  }

  void avoid_divided_cores() {
    const bool all_split = std::ranges::all_of(level_.members, [](const Member& member) {
      return member.due == 0 || member.splits_cores();
    });
    const auto need = count_cores();
    const auto available = available_cores(need);
    if (layout_.threads != 2 || all_split || need.whole + need.odd <= available)
      return;
    const auto odd = odd_members();
    // With nothing shared at all, all odd CPUs are: their owners then meet on whole cores.
    const bool pool = total_count() < layout_.size();
    const auto excess = pool ? need.whole + need.odd - available : odd.size();
    for (std::uint64_t k = 0; k < std::min<std::uint64_t>(excess, odd.size()); ++k)
      share_one(odd[k]);
  }

  // Members with an odd CPU they could share, the smallest rest first.
  [[nodiscard]] std::vector<std::uint32_t> odd_members() const {
    std::vector<std::uint32_t> odd;
    for (std::uint32_t i = 0; i < wholes_.count.size(); ++i)
      if (may_share_more(i) && wholes_.count[i] % 2 == 1 && wholes_.rest[i] < kCpuUnit)
        odd.push_back(i);
    std::ranges::sort(odd, {}, [this](std::uint32_t i) { return std::pair(wholes_.rest[i], i); });
    return odd;
  }

  const Level& level_;
  const Layout& layout_;
  Wholes wholes_;
};

}  // namespace

Wholes split_dues(const Level& level, const Layout& layout, std::uint32_t max_sharers) {
  return Splitter(level, layout).run(max_sharers);
}

}  // namespace fief
