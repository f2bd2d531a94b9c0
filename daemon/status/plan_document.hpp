// SPDX-License-Identifier: GPL-2.0-only
// A plan as a JSON document, with the machine and the cgroups that it is for: what the daemon has
// in force, and what `fiefctl plan --json` prints. It can be given back to --topology, --cgroups
// and --previous, each of which reads its own member. fiefctl(1) describes it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cgroup/tree.hpp"
#include "core/result.hpp"
#include "plan/plan.hpp"
#include "topology/topology.hpp"

namespace fief {

/// A cgroup as a document or this machine names it.
struct NamedCgroup {
  std::string path;  ///< "/" or "/a/b"
  CgroupId id{};     ///< kSelf: one is made up
  std::uint32_t weight = kDefaultWeight;
  bool idle = false;
  bool populated = true;
  std::optional<CidSet> cpus{};   ///< CPU numbers, as of CgroupNode
  std::optional<CpuMax> limit{};  ///< as of CgroupNode
};

std::string to_json(const Topology& topology, const CgroupTree& cgroups, const Plan& plan,
                    int indent = -1);
/// The cgroups of @p cgroups that @p plan speaks of, and those above them.
CgroupTree cgroups_of(const Plan& plan, const CgroupTree& cgroups);

/// The members "topology", "cgroups" and "plan" of a document. @p file is its name in messages;
/// Errc::invalid says what is wrong with it.
Result<Topology> topology_from_json(const std::string& file, const std::string& text);
Result<std::vector<NamedCgroup>> cgroups_from_json(const std::string& file,
                                                   const std::string& text);
/// What of the plan concerns cgroups that are in @p cgroups.
Result<Plan> plan_from_json(const std::string& file, const std::string& text,
                            const CgroupTree& cgroups);

}  // namespace fief
