// SPDX-License-Identifier: GPL-2.0-only
#include "policy/resolve.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace fief {
namespace {

using Paths = std::unordered_set<std::string_view>;

Paths cgroups_of(const std::vector<Delegation>& delegations) {
  Paths paths;
  for (const auto& delegation : delegations)
    paths.insert(delegation.cgroup);
  return paths;
}

void drop_absent_amendments(std::vector<Delegation>& delegations, const Paths& paths) {
  std::erase_if(delegations, [&paths](const Delegation& delegation) {
    return !delegation.pattern.empty() && !paths.contains(delegation.cgroup);
  });
}

}  // namespace

Delegation delegation_of(const DelegationPattern& pattern, const std::string& path) {
  auto delegation = pattern.delegation;
  delegation.pattern = std::exchange(delegation.name, path);
  delegation.cgroup = path;
  return delegation;
}

const DelegationPattern* PolicyResolver::match(const CgroupNode& node) const {
  if (const auto known = matches_.find(node.id); known != matches_.end())
    return known->second;
  const auto found = std::ranges::find_if(
      policy_.patterns,
      [&node](const DelegationPattern& pattern) { return pattern.cgroups.matches(node.path); });
  return found == policy_.patterns.end() ? nullptr : &*found;
}

ResolvedPolicy PolicyResolver::resolve(const CgroupTree& tree) {
  ResolvedPolicy resolved{.policy = {policy_.root, policy_.delegations, policy_.disabled, {}, {}},
                          .too_deep = {}};
  if (policy_.patterns.empty())
    return resolved;
  const auto delegated = cgroups_of(policy_.delegations);
  const auto disabled = cgroups_of(policy_.disabled);
  Matches matches;
  Paths paths;
  std::vector<std::uint32_t> depths(tree.nodes.size());  // delegations from the root to each node
  for (std::size_t i = 1; i < tree.nodes.size(); ++i) {
    const auto& node = tree.nodes[i];
    const bool has_entry = delegated.contains(node.path);
    const auto* pattern = match(node);
    paths.insert(node.path);
    matches.emplace(node.id, pattern);
    depths[i] = depths[node.parent] + (has_entry ? 1 : 0);
    if (pattern == nullptr || !pattern->enabled || has_entry || disabled.contains(node.path))
      continue;
    if (depths[i] >= kMaxNesting) {
      resolved.too_deep.push_back(node.path);
    } else {
      ++depths[i];
      resolved.policy.delegations.push_back(delegation_of(*pattern, node.path));
    }
  }
  matches_ = std::move(matches);
  drop_absent_amendments(resolved.policy.delegations, paths);
  drop_absent_amendments(resolved.policy.disabled, paths);
  return resolved;
}

Policy resolve(const Policy& policy, const CgroupTree& tree) {
  return PolicyResolver(policy).resolve(tree).policy;
}

}  // namespace fief
