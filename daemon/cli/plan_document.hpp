// SPDX-License-Identifier: GPL-2.0-only
// The JSON document of `fiefctl plan --json`: the machine, its cgroups and the plan. It can be
// given back to --topology, --cgroups and --previous, each of which reads its own member.
// fiefctl(1) describes it.
#pragma once

#include <string>
#include <vector>

#include "cgroup/tree.hpp"
#include "core/result.hpp"
#include "plan/plan.hpp"
#include "topology/topology.hpp"

namespace fief::cli {

/// A cgroup as a document or this machine names it.
struct NamedCgroup {
  std::string path;  ///< "/" or "/a/b"
  CgroupId id{};     ///< kSelf: one is made up
  std::uint32_t weight = kDefaultWeight;
  bool idle = false;
  bool populated = true;
};

/// Makes a tree of cgroups in any order. Absent ancestors are added with the default weight;
/// ancestors of populated cgroups are populated. Equal input gives equal ids. Errc::invalid for
/// a path that is not absolute and plain, or a weight outside 1..10000.
Result<CgroupTree> make_tree(const std::vector<NamedCgroup>& cgroups);

std::string to_json(const Topology& topology, const CgroupTree& cgroups, const Plan& plan);

/// The members "topology", "cgroups" and "plan" of a document. @p file is its name in messages;
/// Errc::invalid says what is wrong with it.
Result<Topology> topology_from_json(const std::string& file, const std::string& text);
Result<std::vector<NamedCgroup>> cgroups_from_json(const std::string& file,
                                                   const std::string& text);
/// What of the plan concerns cgroups that are in @p cgroups.
Result<Plan> plan_from_json(const std::string& file, const std::string& text,
                            const CgroupTree& cgroups);

}  // namespace fief::cli
