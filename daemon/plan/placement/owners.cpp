// SPDX-License-Identifier: GPL-2.0-only
// Chooses who owns which cid.
//
// Stability. Each member first keeps min(count, what it has) of its own cids, whole cores before
// single threads, the LLC where it has most before others. No plan with these counts can keep
// more, so the CPUs that change hands are the least possible: the value of the minimum-cost flow
// from members to cids where keeping costs nothing and taking costs one. Then growers take from
// what is left, first what they had lately, and what nobody owns is shared.
//
// Cores. The odd thread of a member lies on a core whose other threads it does not own. These are
// left to the shared cids: a core is "broken" once some of its threads have an owner, and only
// its own owner, members that may split cores, or sharing may use the others. Whole free cores are
// handed out before any core is broken for an odd thread, so that breaking cannot cost anybody a
// whole core. With two threads a core, due/whole_cpus.cpp has seen to it that the cores suffice;
// what still collides (more threads, cores of unequal size) is time-shared afterwards (place.cpp).
#include "plan/placement/owners.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "plan/placement/free_cores.hpp"
#include "plan/placement/ownership.hpp"

namespace fief {
namespace {

class Grower {
 public:
  explicit Grower(Ownership& state)
      : state_(state),
        taken_(with_pool_kept(state)),
        free_(state.layout, taken_, in_pool(state.before)) {
    for (std::uint32_t who = 0; who < state.members(); ++who)
      if (const auto* delegation = state.level.members[who].delegation; delegation != nullptr)
        by_name_.try_emplace(delegation->name, who);
  }

  Status run() {
    grow_whole_cores();
    grow_odd_threads();
    return all_placed();
  }

 private:
  // The pool keeps its cids like any member: as many as it will need, those first that no grower
  // had or shared before. With more threads a core, growers need the cores beside odd threads.
  [[nodiscard]] static std::vector<std::uint32_t> with_pool_kept(const Ownership& state) {
    auto taken = state.owner;
    if (state.layout.threads > 1)
      return taken;
    std::vector<char> wanted(taken.size(), 0);
    auto pool = static_cast<std::size_t>(std::ranges::count(taken, kNone));
    for (std::uint32_t who = 0; who < state.members(); ++who) {
      pool -= std::min<std::size_t>(pool, state.need[who]);
      for (const auto& share : state.before.shares[who])
        if (const auto at = state.layout.find(share.cid); at != kNone && state.need[who] > 0)
          wanted[at] = 1;
    }
    for (std::size_t at = 0; at < taken.size(); ++at)
      if (const auto home = state.before.home[at]; home < state.members() && state.need[home] > 0)
        wanted[at] = 2;
    for (char rank = 0; rank <= 2; ++rank)
      for (std::size_t at = 0; at < taken.size() && pool > 0; ++at)
        if (taken[at] == kNone && state.before.shared[at] != 0 && wanted[at] == rank) {
          taken[at] = kPool;
          --pool;
        }
    return taken;
  }

  // Positions that are best left to the pool: they were shared, or go back to it.
  [[nodiscard]] static std::vector<char> in_pool(const Before& before) {
    auto pool = before.shared;
    for (std::size_t position = 0; position < pool.size(); ++position)
      if (before.home[position] == kPool)
        pool[position] = 1;
    return pool;
  }

  // Members that need more. Those with wishes go first, as others can use any cid: first who is
  // to be spread, then who is near another, after whom it is near; then the largest.
  [[nodiscard]] std::vector<std::uint32_t> growers() const {
    std::vector<std::uint32_t> order;
    for (std::uint32_t who = 0; who < state_.members(); ++who)
      if (state_.need[who] > 0)
        order.push_back(who);
    const auto depth = near_depths();
    std::vector<char> is_near(state_.members(), 0);
    for (std::uint32_t who = 0; who < state_.members(); ++who)
      if (const auto other = near_of(who); other != kNone)
        is_near[who] = is_near[other] = 1;
    std::ranges::sort(order, {}, [this, &depth, &is_near](std::uint32_t who) {
      return std::tuple(!state_.spreads(who), is_near[who] == 0, depth[who],
                        state_.layout.size() - state_.need[who], who);
    });
    return order;
  }

  // The member whose name a "near:" placement gives, kNone if it has no such or nobody is meant.
  [[nodiscard]] std::uint32_t near_of(std::uint32_t who) const {
    const auto* delegation = state_.level.members[who].delegation;
    const auto* place =
        delegation == nullptr ? nullptr : std::get_if<PlaceNear>(&delegation->placement);
    if (place == nullptr)
      return kNone;
    const auto at = by_name_.find(place->name);
    return at == by_name_.end() ? kNone : at->second;
  }

  // How many "near" links lead from each member to one that is placed by itself. A ring of them
  // has no such end: its members are placed in their order.
  [[nodiscard]] std::vector<std::uint32_t> near_depths() const {
    constexpr std::uint32_t kMaxLinks = 16;
    std::vector<std::uint32_t> depth(state_.members(), 0);
    for (std::uint32_t who = 0; who < state_.members(); ++who)
      for (auto at = near_of(who); at != kNone && depth[who] < kMaxLinks; at = near_of(at))
        ++depth[who];
    return depth;
  }

  // LLCs where a member has cids, with their number, those with most first.
  [[nodiscard]] std::vector<LlcCount> llcs_of(std::uint32_t who) const {
    std::map<std::uint32_t, std::uint32_t> counts;
    for (const auto position : placed_[who])
      ++counts[state_.layout.llc_at(position)];
    std::vector<LlcCount> llcs;
    llcs.reserve(counts.size());
    for (const auto& [llc, count] : counts)
      llcs.push_back({llc, count});
    std::ranges::stable_sort(llcs, std::greater{}, &LlcCount::count);
    return llcs;
  }

  [[nodiscard]] std::vector<LlcCount> anchors_of(std::uint32_t who) const {
    auto anchors = llcs_of(who);
    const auto near = near_of(who);
    if (near != kNone)
      for (const auto& llc : llcs_of(near))
        anchors.push_back(llc);
    return anchors;
  }

  void note_placed() {
    placed_.assign(state_.members(), {});
    homes_of_.assign(state_.members(), {});
    for (std::uint32_t position = 0; position < state_.owner.size(); ++position)
      if (state_.owner[position] == kNone && state_.before.home[position] < state_.members())
        homes_of_[state_.before.home[position]].push_back(position);
    for (std::uint32_t position = 0; position < state_.owner.size(); ++position)
      if (state_.owner[position] != kNone && state_.owner[position] < state_.members())
        placed_[state_.owner[position]].push_back(position);
  }

  void take_core(std::uint32_t who, std::uint32_t core, std::uint32_t threads) {
    free_.remove(core);
    const auto& range = state_.layout.cores[core];
    for (auto at = range.begin; at < range.begin + threads; ++at) {
      state_.take(who, at);
      placed_[who].push_back(at);
    }
  }

  void grow_whole_cores() {
    note_placed();
    order_ = growers();
    for (const auto who : order_)
      take_homes(who);
    for (const auto who : order_) {
      take_formerly_shared(who);
      if (state_.spreads(who))
        spread(who);
      else
        pack(who);
    }
  }

  // What was a member's before goes back to it (memory.hpp). Whole cores only, as always here.
  void take_homes(std::uint32_t who) {
    for (const auto position : homes_of_[who]) {
      const auto core = state_.layout.core[position];
      if (free_.is_free(core) && state_.layout.cores[core].size() <= state_.need[who])
        take_core(who, core, state_.layout.cores[core].size());
    }
  }

  // A cid that a member shared before and can now have alone is no move for its tasks.
  void take_formerly_shared(std::uint32_t who) {
    for (const auto& share : state_.before.shares[who]) {
      const auto position = state_.layout.find(share.cid);
      if (position == kNone)
        continue;
      const auto core = state_.layout.core[position];
      if (free_.is_free(core) && state_.layout.cores[core].size() <= state_.need[who])
        take_core(who, core, state_.layout.cores[core].size());
    }
  }

  void pack(std::uint32_t who) {
    for (auto anchors = anchors_of(who); state_.need[who] > 0;) {
      const auto llc = free_.best_llc(anchors, state_.need[who]);
      if (llc == kNone)
        return;
      const auto before = state_.need[who];
      for (auto core = free_.next_core(llc); core != kNone; core = free_.next_core(llc)) {
        if (state_.layout.cores[core].size() > state_.need[who])
          break;
        take_core(who, core, state_.layout.cores[core].size());
      }
      if (state_.need[who] == before)
        return;
      anchors.assign(1, {llc, before - state_.need[who]});
    }
  }

  void spread(std::uint32_t who) {
    std::vector<std::uint32_t> own(state_.layout.llcs.size(), 0);
    for (const auto position : placed_[who])
      ++own[state_.layout.llc_at(position)];
    while (state_.need[who] > 0) {
      const auto llc = free_.emptiest_llc(own);
      const auto core = llc == kNone ? kNone : free_.next_core(llc);
      if (core == kNone || state_.layout.cores[core].size() > state_.need[who])
        return;
      own[llc] += state_.layout.cores[core].size();
      take_core(who, core, state_.layout.cores[core].size());
    }
  }

  void grow_odd_threads() {
    find_shareable_cores();
    for (const auto who : order_) {
      if (state_.need[who] > 0)
        take_small_cores(who);
      if (state_.need[who] > 0 && state_.level.members[who].splits_cores())
        take_beside_splitters(who);
      if (state_.need[who] > 0)
        break_core(who);
      if (state_.need[who] > 0)
        take_anything(who);
    }
  }

  // Broken cores all of whose owners let others in.
  void find_shareable_cores() {
    for (std::uint32_t core = 0; core < state_.layout.cores.size(); ++core)
      if (shareable(core))
        split_cores_.push_back(core);
  }

  [[nodiscard]] bool shareable(std::uint32_t core) const {
    const auto& range = state_.layout.cores[core];
    bool room = false;
    bool owned = false;
    for (auto at = range.begin; at < range.end; ++at) {
      room |= state_.owner[at] == kNone;
      owned |= state_.owner[at] != kNone;
      if (state_.owner[at] != kNone && (state_.owner[at] >= state_.members() ||
                                        !state_.level.members[state_.owner[at]].splits_cores()))
        return false;
    }
    return room && owned;
  }

  void take_free_threads(std::uint32_t who, std::uint32_t core) {
    const auto& range = state_.layout.cores[core];
    for (auto at = range.begin; at < range.end && state_.need[who] > 0; ++at)
      if (state_.owner[at] == kNone)
        state_.take(who, at);
  }

  void take_small_cores(std::uint32_t who) {
    while (state_.need[who] > 0) {
      const auto core = free_.small_core(state_.need[who]);
      if (core == kNone)
        return;
      take_core(who, core, state_.layout.cores[core].size());
    }
  }

  void take_beside_splitters(std::uint32_t who) {
    while (!split_cores_.empty() && state_.need[who] > 0) {
      take_free_threads(who, split_cores_.back());
      if (!shareable(split_cores_.back()))
        split_cores_.pop_back();
    }
  }

  void break_core(std::uint32_t who) {
    const auto llc = free_.best_llc(anchors_of(who), state_.need[who]);
    const auto core = llc == kNone ? kNone : free_.next_core(llc);
    if (core == kNone)
      return;
    take_core(who, core, std::min(state_.need[who], state_.layout.cores[core].size()));
    if (shareable(core))
      split_cores_.push_back(core);
  }

  // The last resort; positions only ever get owners, so one pass serves all members.
  void take_anything(std::uint32_t who) {
    for (; state_.need[who] > 0 && cursor_ < state_.owner.size(); ++cursor_)
      if (state_.owner[cursor_] == kNone) {
        const auto core = state_.layout.core[cursor_];
        if (free_.is_free(core))
          free_.remove(core);
        state_.take(who, cursor_);
      }
  }

  // Shared cids of disjoint confinements can take the place of whole CPUs of exclusive members.
  [[nodiscard]] Status all_placed() const {
    for (std::uint32_t who = 0; who < state_.members(); ++who)
      if (state_.need[who] > 0)
        return fail(
            Errc::infeasible,
            "{} is due {} whole CPUs, {} more than exclusive and confined delegations leave",
            state_.level.members[who].path, state_.wanted[who], state_.need[who]);
    return {};
  }

  Ownership& state_;
  std::vector<std::uint32_t> taken_;  // owners, and kPool where a cid stays shared
  FreeCores free_;
  std::vector<std::vector<std::uint32_t>> placed_;  // positions by member
  std::vector<std::vector<std::uint32_t>>
      homes_of_;                      // free positions by the member they go back to
  std::vector<std::uint32_t> order_;  // members that lack cids
  std::vector<std::uint32_t> split_cores_;
  std::unordered_map<std::string_view, std::uint32_t> by_name_;
  std::uint32_t cursor_ = 0;
};

}  // namespace

Result<std::vector<std::uint32_t>> choose_owners(const Level& level, const Layout& layout,
                                                 const Wholes& wholes, const Before& before) {
  Ownership state(level, layout, wholes, before);
  if (auto status = keep_and_confine(state); !status)
    return tl::unexpected(status.error());
  const bool all_served = std::ranges::all_of(std::span(state.need).first(state.members()),
                                              [](std::uint32_t need) { return need == 0; });
  if (all_served)
    return std::move(state.owner);
  if (auto status = Grower(state).run(); !status)
    return tl::unexpected(status.error());
  return std::move(state.owner);
}

}  // namespace fief
