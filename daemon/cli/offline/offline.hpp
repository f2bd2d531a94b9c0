// SPDX-License-Identifier: GPL-2.0-only
// What `fiefctl plan` and `explain` work on: a policy, a machine and its cgroups, read without the
// daemon and without privileges. fiefctl(1) describes the files.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "cgroup/tree.hpp"
#include "cli/offline/assumed.hpp"
#include "core/result.hpp"
#include "plan/plan.hpp"
#include "policy/load.hpp"
#include "status/views.hpp"
#include "topology/topology.hpp"

namespace fief::cli {

/// As given on the command line; empty means this machine's own.
struct OfflineOptions {
  std::vector<std::string> policy;   ///< files
  std::string topology;              ///< a specification such as "2x4x8x2", or a file
  std::string cgroups;               ///< a file
  std::string previous;              ///< a plan to move as little as possible from, as a file
  std::vector<std::string> members;  ///< "PATTERN=N": how many it is to have at least
  std::string machine;               ///< what else the policy may depend on, as with_facts() has it
};

struct Offline {
  Policy policy;
  Topology topology;
  CgroupTree cgroups;
  std::vector<Attachment> attachments;
  std::vector<std::string> assumed;     ///< cgroups of the policy that were added to the tree
  std::vector<AssumedMembers> members;  ///< of patterns, that were added to the tree
  std::vector<std::string> held_back;  ///< members of patterns that have no room; the last go first
  std::string shortfall;               ///< why they have none
  Plan plan;

  [[nodiscard]] PlanInput input() const;
};

/// Why there is no plan: faults of the policy, or anything else.
using OfflineFailure = std::variant<std::vector<PolicyFault>, Error>;

/// Reads everything and makes the plan.
tl::expected<Offline, OfflineFailure> plan_offline(const OfflineOptions& options);

/// The plan in the form of a status, with everything attached and nothing held.
StatusView planned_status(const Offline& offline);

}  // namespace fief::cli
