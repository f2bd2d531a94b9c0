// SPDX-License-Identifier: GPL-2.0-only
// A level's cids in flat arrays, by node, LLC and core. Internal to plan/.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/level.hpp"
#include "topology/topology.hpp"

namespace fief {

/// The cids that a level holds whole, by position: ascending by cid, so that cores, LLCs and nodes
/// are ranges.
struct Layout {
  struct Core {
    std::uint32_t begin;  ///< positions [begin, end)
    std::uint32_t end;
    std::uint32_t llc;  ///< index in llcs
    [[nodiscard]] std::uint32_t size() const { return end - begin; }
  };
  struct Llc {
    std::uint32_t begin;  ///< cores [begin, end)
    std::uint32_t end;
    std::uint32_t node;  ///< index, below nodes
  };

  std::vector<Cid> cids;            ///< by position
  std::vector<std::uint32_t> core;  ///< index in cores, by position
  std::vector<Core> cores;
  std::vector<Llc> llcs;
  std::uint32_t nodes = 0;
  std::uint32_t threads = 1;               ///< of the largest core
  std::vector<HeldCid> parts;              ///< cids held in part, ascending
  std::vector<std::uint32_t> position_of;  ///< by cid value; kNone where not held whole

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(cids.size()); }
  [[nodiscard]] std::uint32_t llc_at(std::uint32_t position) const {
    return cores[core[position]].llc;
  }
  [[nodiscard]] std::uint32_t node_at(std::uint32_t position) const {
    return llcs[llc_at(position)].node;
  }
  [[nodiscard]] std::uint32_t find(Cid cid) const {
    return cid.value < position_of.size() ? position_of[cid.value] : kNone;
  }
};

Layout make_layout(const Holding& holding, const Topology& topology);

}  // namespace fief
