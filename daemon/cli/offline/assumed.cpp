// SPDX-License-Identifier: GPL-2.0-only
#include "cli/offline/assumed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "cli/offline/named_cgroups.hpp"
#include "policy/example.hpp"
#include "policy/resolve.hpp"
#include "policy/suggest.hpp"

namespace fief::cli {
namespace {

constexpr std::size_t kMostMembers = 1000;

bool has(const std::vector<NamedCgroup>& cgroups, const std::string& path) {
  return std::ranges::find(cgroups, path, &NamedCgroup::path) != cgroups.end();
}

// Cgroups that the policy names count as if their service ran.
std::vector<std::string> add_absent(const Policy& policy, std::vector<NamedCgroup>& cgroups) {
  std::vector<std::string> added;
  for (const auto& delegation : policy.delegations) {
    if (has(cgroups, delegation.cgroup))
      continue;
    cgroups.push_back({.path = delegation.cgroup});
    added.push_back(delegation.cgroup);
  }
  return added;
}

Status check_names(const Policy& policy, const MemberCounts& wanted) {
  std::vector<std::string_view> names;
  names.reserve(policy.patterns.size());
  for (const auto& pattern : policy.patterns)
    names.push_back(pattern.delegation.name);
  for (const auto& [name, count] : wanted)
    if (std::ranges::find(names, name) == names.end())
      return fail(Errc::invalid, "--member: the policy has no pattern \"{}\"{}", name,
                  did_you_mean(name, names));
  return {};
}

std::size_t members_of(const std::string& pattern, const Policy& resolved) {
  return static_cast<std::size_t>(
      std::ranges::count(resolved.delegations, pattern, &Delegation::pattern));
}

// Paths that nothing has yet.
AssumedMembers make_members(const DelegationPattern& pattern, std::size_t count,
                            const std::vector<NamedCgroup>& cgroups) {
  AssumedMembers members{.pattern = pattern.delegation.name, .paths = {}};
  for (std::size_t number = 1; members.paths.size() < count; ++number)
    if (auto path = example_member(pattern, number); !has(cgroups, path))
      members.paths.push_back(std::move(path));
  return members;
}

// The scheduler above a cgroup: that of the nearest delegated ancestor.
CgroupId parent_of(const CgroupTree& tree, const CgroupNode& node, const Policy& policy) {
  const CgroupNode* nearest = nullptr;
  for (const auto& delegation : policy.delegations) {
    const auto* other = tree.find(delegation.cgroup);
    if (other->id != node.id && tree.is_descendant(node, *other) &&
        (nearest == nullptr || tree.is_descendant(*other, *nearest)))
      nearest = other;
  }
  return nearest != nullptr ? nearest->id : kSelf;
}

Status read_member(MemberCounts& counts, const std::string& option) {
  const auto equals = option.rfind('=');
  const auto number = equals == std::string::npos ? std::string_view{}
                                                  : std::string_view(option).substr(equals + 1);
  std::size_t count = 0;
  const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), count);
  if (error != std::errc{} || rest != number.data() + number.size() || count > kMostMembers ||
      equals == 0)
    return fail(Errc::invalid, "--member {}: PATTERN=N, with a number of at most {}", option,
                kMostMembers);
  counts.insert_or_assign(option.substr(0, equals), count);
  return {};
}

}  // namespace

std::vector<NamedCgroup> named_cgroups(const CgroupTree& tree) {
  std::vector<NamedCgroup> cgroups;
  cgroups.reserve(tree.nodes.size());
  for (const auto& node : tree.nodes)
    cgroups.push_back({.path = node.path,
                       .id = node.id,
                       .weight = node.weight,
                       .idle = node.idle,
                       .populated = node.populated,
                       .cpus = node.cpus,
                       .limit = node.limit});
  return cgroups;
}

Result<Assumed> assume(const Policy& policy, std::vector<NamedCgroup> cgroups,
                       const MemberCounts& wanted) {
  if (const auto known = check_names(policy, wanted); !known)
    return tl::unexpected(known.error());
  Assumed assumed;
  assumed.paths = add_absent(policy, cgroups);
  const auto there = make_tree(cgroups);
  if (!there)
    return tl::unexpected(there.error());
  const auto now = resolve(policy, *there);
  std::vector<Delegation> made;
  for (const auto& pattern : policy.patterns) {
    const auto& name = pattern.delegation.name;
    const auto asked = wanted.find(name);
    const auto count = asked == wanted.end() ? 1 : asked->second;
    const auto present = members_of(name, now);
    if (!pattern.enabled || present >= count)
      continue;
    auto members = make_members(pattern, count - present, cgroups);
    for (const auto& path : members.paths) {
      cgroups.push_back({.path = path});
      made.push_back(delegation_of(pattern, path));
    }
    assumed.members.push_back(std::move(members));
  }
  auto tree = make_tree(cgroups);
  if (!tree)
    return tl::unexpected(tree.error());
  assumed.tree = std::move(*tree);
  assumed.policy = resolve(policy, assumed.tree);
  for (auto& delegation : made) {
    // It stands for its pattern, whatever an earlier one says of such a path.
    auto& delegations = assumed.policy.delegations;
    std::erase_if(delegations, [&delegation](const Delegation& known) {
      return known.cgroup == delegation.cgroup;
    });
    delegations.push_back(std::move(delegation));
  }
  return assumed;
}

std::vector<Attachment> attach_all(const CgroupTree& tree, const Policy& policy) {
  std::vector<Attachment> attachments;
  for (const auto& delegation : policy.delegations) {
    const auto& node = *tree.find(delegation.cgroup);
    attachments.push_back({node.id, parent_of(tree, node, policy), false});
  }
  return attachments;
}

Result<MemberCounts> read_members(const std::vector<std::string>& options) {
  MemberCounts counts;
  for (const auto& option : options)
    if (const auto read = read_member(counts, option); !read)
      return tl::unexpected(read.error());
  return counts;
}

}  // namespace fief::cli
