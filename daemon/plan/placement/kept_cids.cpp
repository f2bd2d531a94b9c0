// SPDX-License-Identifier: GPL-2.0-only
// What stays: members keep their own cids, after confined ones have chosen theirs.
#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "plan/placement/ownership.hpp"

namespace fief {
namespace {

// A member's cids on one core.
struct Holdout {
  std::uint32_t core;
  std::uint32_t threads;
  std::uint32_t rank;    // lower is kept sooner
  std::uint32_t loaned;  // threads that somebody wants back (memory.hpp)
};

class Keeper {
 public:
  explicit Keeper(Ownership& state) : state_(state) { group_previous(); }

  Status run() {
    if (auto status = place_confined(); !status)
      return status;
    keep_own(false);
    complete_cores(false);
    return {};
  }

 private:
  // Positions each member owned before, ascending.
  void group_previous() {
    had_.resize(state_.need.size());
    for (std::uint32_t position = 0; position < state_.before.owner.size(); ++position)
      if (state_.before.owner[position] != kNone)
        had_[state_.before.owner[position]].push_back(position);
    const auto shared = std::ranges::count(state_.before.shared, 1);
    const auto owned = std::accumulate(state_.wanted.begin(), state_.wanted.end(), std::int64_t{0});
    pool_grows_ = static_cast<std::int64_t>(state_.layout.size()) - owned > shared;
    surplus_.resize(state_.need.size());
    for (std::uint32_t i = 0; i < state_.need.size(); ++i)
      surplus_[i] =
          static_cast<std::int64_t>(had_[i].size()) - static_cast<std::int64_t>(state_.need[i]);
  }

  // Confined members choose before others, the smallest confinement first: they have less choice.
  Status place_confined() {
    if (state_.level.confinements.empty())
      return {};
    keep_own(true);
    complete_cores(true);
    std::vector<std::uint32_t> order;
    for (std::uint32_t who = 0; who < state_.need.size(); ++who)
      if (state_.confined(who) && state_.need[who] > 0)
        order.push_back(who);
    std::ranges::sort(order, {}, [this](std::uint32_t who) {
      return std::tuple(state_.confined_to[who]->size(), who >= state_.members(), who);
    });
    for (const auto who : order) {
      take_confined(who);
      if (state_.need[who] > 0)
        return refuse(who);
    }
    return {};
  }

  [[nodiscard]] Status refuse(std::uint32_t who) const {
    const auto confinement =
        who < state_.members() ? state_.level.members[who].confinement : who - state_.members();
    const auto& group = state_.level.confinements[confinement];
    const auto& member = state_.level.members[group.members[0]];
    return fail(Errc::infeasible,
                "{} is confined to cids {} ({}), where {} more would be needed beside what "
                "other confined delegations have there",
                member.path, group.cids.to_string(), confined_by(member), state_.need[who]);
  }

  // Cids whose owner has to give some up anyway come first: taking them costs no further move.
  void take_confined(std::uint32_t who) {
    struct Candidate {
      std::uint32_t cost;
      std::uint32_t core;
      std::uint32_t position;
    };
    std::vector<Candidate> candidates;
    for (const auto cid : *state_.confined_to[who]) {
      const auto position = state_.layout.find(cid);
      if (position == kNone || !state_.may_use(who, position))
        continue;
      const auto had = state_.before.owner[position];
      const bool spare = had == kNone || surplus_[had] > 0;
      candidates.push_back({spare ? 0U : 1U, state_.layout.core[position], position});
    }
    std::ranges::sort(candidates, {}, [](const Candidate& candidate) {
      return std::tuple(candidate.cost, candidate.core, candidate.position);
    });
    for (const auto& candidate : candidates) {
      if (state_.need[who] == 0)
        return;
      state_.take(who, candidate.position);
      if (state_.before.owner[candidate.position] != kNone)
        --surplus_[state_.before.owner[candidate.position]];
    }
  }

  void keep_own(bool of_confined) {
    for (std::uint32_t who = 0; who < state_.members(); ++who)
      if (!had_[who].empty() && state_.confined(who) == of_confined)
        keep(who);
  }

  void keep(std::uint32_t who) {
    std::erase_if(had_[who], [this, who](std::uint32_t at) { return !state_.may_use(who, at); });
    if (had_[who].size() <= state_.need[who]) {
      for (const auto position : had_[who])
        state_.take(who, position);
      return;
    }
    auto cores = rank_cores(who);
    for (const bool whole : {true, false})
      for (auto& item : cores) {
        const bool is_whole = item.threads == state_.layout.cores[item.core].size();
        if (item.threads != 0 && is_whole == whole && item.threads <= state_.need[who])
          item.threads -= keep_threads(who, item.core, item.threads);
      }
    for (const auto& item : cores)
      keep_threads(who, item.core, std::min(item.threads, state_.need[who]));
  }

  std::uint32_t keep_threads(std::uint32_t who, std::uint32_t core, std::uint32_t threads) {
    auto left = threads;
    const auto& range = state_.layout.cores[core];
    for (auto position = range.begin; position < range.end && left > 0; ++position)
      if (state_.before.owner[position] == who && state_.may_use(who, position)) {
        state_.take(who, position);
        --left;
      }
    return threads;
  }

  // The cores a member has threads on, best to keep first: those that nobody wants back, those in
  // the LLC where it has most; for a spread member one of each LLC by turns.
  [[nodiscard]] std::vector<Holdout> rank_cores(std::uint32_t who) const {
    std::vector<Holdout> cores;
    std::map<std::uint32_t, std::uint32_t> per_llc;
    for (const auto position : had_[who]) {
      if (cores.empty() || cores.back().core != state_.layout.core[position])
        cores.push_back({state_.layout.core[position], 0, 0, 0});
      ++cores.back().threads;
      cores.back().loaned += is_wanted_back(position) ? 1U : 0U;
      ++per_llc[state_.layout.llc_at(position)];
    }
    std::map<std::uint32_t, std::uint32_t> turn;
    for (auto& item : cores) {
      const auto llc = state_.layout.cores[item.core].llc;
      item.rank = state_.spreads(who) ? turn[llc]++ : state_.layout.size() - per_llc[llc];
    }
    std::ranges::sort(cores, {}, [](const Holdout& item) {
      return std::tuple(item.loaned, item.rank, item.core);
    });
    return cores;
  }

  [[nodiscard]] bool is_wanted_back(std::uint32_t position) const {
    const auto home = state_.before.home[position];
    if (home == kPool)
      return pool_grows_;
    return home < state_.members() && home != state_.before.owner[position] && surplus_[home] < 0;
  }

  // A kept thread whose core will not hold the member's odd threads gets its siblings.
  void complete_cores(bool of_confined) {
    if (state_.layout.threads == 1)
      return;
    for (std::uint32_t who = 0; who < state_.members(); ++who)
      if (!had_[who].empty() && state_.need[who] > 0 && state_.confined(who) == of_confined)
        for (const auto position : had_[who])
          complete(who, state_.layout.core[position]);
  }

  void complete(std::uint32_t who, std::uint32_t core) {
    const auto& range = state_.layout.cores[core];
    std::uint32_t own = 0;
    std::uint32_t usable = 0;
    for (auto at = range.begin; at < range.end; ++at) {
      own += state_.owner[at] == who ? 1U : 0U;
      usable += state_.may_use(who, at) ? 1U : 0U;
    }
    const bool odd_place = state_.wanted[who] % range.size() == own;
    if (odd_place || own + usable < range.size() || usable > state_.need[who])
      return;
    for (auto at = range.begin; at < range.end; ++at)
      if (state_.owner[at] == kNone)
        state_.take(who, at);
  }

  Ownership& state_;
  bool pool_grows_ = false;                      // more cids will be shared than before
  std::vector<std::int64_t> surplus_;            // cids each has to give up
  std::vector<std::vector<std::uint32_t>> had_;  // positions, ascending
};

}  // namespace

Ownership::Ownership(const Level& of, const Layout& on, const Wholes& wholes, const Before& after)
    : level(of),
      layout(on),
      before(after),
      wanted(wholes.count),
      need(wholes.count),
      owner(on.size(), kNone) {
  for (const auto& member : level.members)
    confined_to.push_back(
        member.confinement == kNone ? nullptr : &level.confinements[member.confinement].cids);
  for (std::size_t c = 0; c < wholes.confined_pool.size(); ++c) {
    need.push_back(wholes.confined_pool[c]);
    confined_to.push_back(&level.confinements[c].cids);
  }
}

Status keep_and_confine(Ownership& state) {
  return Keeper(state).run();
}

}  // namespace fief
