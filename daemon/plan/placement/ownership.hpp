// SPDX-License-Identifier: GPL-2.0-only
// Who owns what while owners are being chosen. Internal to plan/.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/placement/owners.hpp"

namespace fief {

/// State of the choice. "Who" is a member, or members() + c for the shared cids that confinement c
/// claims. A cid that has got an owner keeps it.
struct Ownership {
  const Level& level;
  const Layout& layout;
  const Before& before;
  std::vector<std::uint32_t> wanted;       ///< cids each member is to own
  std::vector<std::uint32_t> need;         ///< how many it still lacks
  std::vector<const CidSet*> confined_to;  ///< null: any cid will do
  std::vector<std::uint32_t> owner;        ///< by position; kNone while free

  Ownership(const Level& of, const Layout& on, const Wholes& wholes, const Before& after);

  [[nodiscard]] std::uint32_t members() const {
    return static_cast<std::uint32_t>(level.members.size());
  }
  [[nodiscard]] bool confined(std::uint32_t who) const { return confined_to[who] != nullptr; }
  [[nodiscard]] bool may_use(std::uint32_t who, std::uint32_t position) const {
    return owner[position] == kNone &&
           (!confined(who) || confined_to[who]->contains(layout.cids[position]));
  }
  [[nodiscard]] bool spreads(std::uint32_t member) const {
    const auto* delegation = level.members[member].delegation;
    return delegation != nullptr && std::holds_alternative<PlaceSpread>(delegation->placement);
  }
  void take(std::uint32_t who, std::uint32_t position) {
    owner[position] = who;
    --need[who];
  }
};

/// Gives confined members all they need, and every other what it keeps of its own.
/// Errc::infeasible where confinements overlap so that one of them does not get its own.
Status keep_and_confine(Ownership& state);

}  // namespace fief
