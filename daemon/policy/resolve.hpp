// SPDX-License-Identifier: GPL-2.0-only
// From patterns to delegations: what a policy says of the cgroups there are. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cgroup/tree.hpp"
#include "policy/policy.hpp"

namespace fief {

/// The kernel nests four levels of schedulers, the root's included (SCX_SUB_MAX_DEPTH).
inline constexpr std::uint32_t kMaxNesting = 3;

/// A policy for the cgroups of one tree.
struct ResolvedPolicy {
  /// Without patterns: each cgroup that one means, and that has no entry of its own, has its own
  /// delegation, named by its path. An entry that amends what a pattern made is only there while
  /// its cgroup is.
  Policy policy;
  /// Cgroups that patterns mean and that would be nested too deep.
  std::vector<std::string> too_deep;
};

/// Remembers which pattern means which cgroup, so that a tree like the last one costs little.
class PolicyResolver {
 public:
  explicit PolicyResolver(Policy policy = {}) : policy_(std::move(policy)) {}
  PolicyResolver(const PolicyResolver&) = delete;  // what it remembers points into its policy
  PolicyResolver& operator=(const PolicyResolver&) = delete;
  PolicyResolver(PolicyResolver&&) noexcept = default;
  PolicyResolver& operator=(PolicyResolver&&) noexcept = default;
  ~PolicyResolver() = default;

  /// The policy as it was written.
  [[nodiscard]] const Policy& written() const { return policy_; }
  [[nodiscard]] ResolvedPolicy resolve(const CgroupTree& tree);

 private:
  using Matches = std::unordered_map<CgroupId, const DelegationPattern*>;
  [[nodiscard]] const DelegationPattern* match(const CgroupNode& node) const;

  Policy policy_;
  Matches matches_;  ///< nullptr: none means it
};

/// What @p pattern makes of the cgroup @p path.
Delegation delegation_of(const DelegationPattern& pattern, const std::string& path);

/// Once, for one tree.
Policy resolve(const Policy& policy, const CgroupTree& tree);

}  // namespace fief
