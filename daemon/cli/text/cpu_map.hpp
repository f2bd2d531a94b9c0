// SPDX-License-Identifier: GPL-2.0-only
// Who uses which CPU, as a picture: by node, LLC and core, in the terminal or as SVG. Pure: a map
// is data, made of a plan or of anything else that says who has what.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cgroup/tree.hpp"
#include "cli/text/style.hpp"
#include "plan/plan.hpp"
#include "topology/topology.hpp"

namespace fief::cli {

/// One who uses CPUs, with the part nobody below it uses.
struct MapParty {
  std::string name;    ///< for people
  std::string cgroup;  ///< path
  CpuTime due = 0;
  std::uint32_t whole = 0;  ///< CPUs it has alone
  CpuTime shared = 0;       ///< time it has of others
};

struct MapPart {
  std::uint32_t party = 0;  ///< index in CpuMap::parties
  CpuTime time = 0;         ///< of kCpuUnit
};

struct MapCell {
  CidInfo place;
  std::vector<MapPart> parts;  ///< largest first; a single one: its own
};

struct CpuMap {
  std::vector<MapParty> parties;
  std::vector<MapCell> cells;  ///< ascending by cid: cores, LLCs and nodes are ranges
};

/// Of @p plan: who uses each cid in the end, on whatever level.
CpuMap make_cpu_map(const Topology& topology, const CgroupTree& cgroups, const Plan& plan);

/// A letter for each party, more where there are many: A, B … or AA, AB …
std::string code_of(std::uint32_t party, const CpuMap& map);

/// The range [begin, end) of cells that agree with cell @p begin in @p level of their places.
std::size_t group_end(const CpuMap& map, std::size_t begin, std::uint32_t CidInfo::* level);

/// Lines of cells with a legend. A capital letter is a CPU of one's own, a small one a shared CPU's
/// largest user.
std::string render_map(const CpuMap& map, const Style& style);

/// A self-contained SVG document: shared CPUs are striped by fractions.
std::string render_svg(const CpuMap& map);

}  // namespace fief::cli
