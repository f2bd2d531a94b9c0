// SPDX-License-Identifier: GPL-2.0-only
// What is planned for where it is not there: cgroups that a policy names, and members of its
// patterns. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "cgroup/tree.hpp"
#include "core/result.hpp"
#include "plan/plan.hpp"
#include "policy/policy.hpp"
#include "status/plan_document.hpp"

namespace fief::cli {

/// How many members a pattern, by its name, is to have at least.
using MemberCounts = std::map<std::string, std::size_t, std::less<>>;

/// Members of a pattern that are not there.
struct AssumedMembers {
  std::string pattern;
  std::vector<std::string> paths;
};

struct Assumed {
  CgroupTree tree;
  Policy policy;                   ///< of that tree, without patterns
  std::vector<std::string> paths;  ///< cgroups that the policy names and that were added
  std::vector<AssumedMembers> members;
};

/// The cgroups of a tree, to be added to.
std::vector<NamedCgroup> named_cgroups(const CgroupTree& tree);

/// @p cgroups with those that @p policy names and a member for each pattern that has none, or as
/// many as @p wanted says. Errc::invalid: there is no such pattern, or a cgroup cannot be.
Result<Assumed> assume(const Policy& policy, std::vector<NamedCgroup> cgroups,
                       const MemberCounts& wanted);

/// Every delegation of @p policy attached, each below the nearest one above it in @p tree, which
/// has them all.
std::vector<Attachment> attach_all(const CgroupTree& tree, const Policy& policy);

/// "PATTERN=N,…" of the command line, several times. Errc::invalid names the part that is wrong.
Result<MemberCounts> read_members(const std::vector<std::string>& options);

}  // namespace fief::cli
