// SPDX-License-Identifier: GPL-2.0-only
// Where the policy in force comes from: the files as they were read, and over them what was
// changed since without touching a file. Plain values: a change is tried on a copy, and the copy
// replaces the original once it proved good. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/change.hpp"
#include "policy/parse.hpp"

namespace fief {

/// A change that no file holds.
struct RuntimeChange {
  std::uint64_t hold = 0;  ///< what it lasts as long as; 0: the daemon
  std::string origin;      ///< for people, in a file's place: "run time, uid 0"
  DelegationChange change;
  /// Whose it is who may make delegations as the owner of a cgroup; 0: an administrator's.
  std::uint32_t tenant = 0;
};

struct PolicyLayers {
  std::vector<PolicyText> files;       ///< in the order they are merged
  std::vector<RuntimeChange> runtime;  ///< later ones over earlier ones; held ones last
};

/// Every layer as a source, files first.
std::vector<PolicyText> sources_of(const PolicyLayers& layers);

/// The policy that all layers together make; options are judged as far as @p catalog knows them.
PolicyResult effective_policy(const PolicyLayers& layers, const OptionCatalog& catalog = {});

/// Adds a change, or lays it over the one that lasts as long and is of the same delegation.
void lay_over(PolicyLayers& layers, RuntimeChange change);
/// Removes run-time changes of delegation @p name that nothing holds: of @p keys, or all if empty.
void lift(PolicyLayers& layers, std::string_view name, const ChangedKeys& keys = {});
/// Removes what @p hold held.
void release(PolicyLayers& layers, std::uint64_t hold);
/// Puts @p file in its place among the drop-ins, over one of the same base name; an empty text
/// takes it away.
void put_drop_in(PolicyLayers& layers, PolicyText file);
/// Whether the delegation called @p name is one that the tenant @p uid made.
bool is_tenants(const PolicyLayers& layers, std::string_view name, std::uint32_t uid);
/// The innermost delegation above the cgroup @p path that lets owners of cgroups below it delegate;
/// nullptr: none does.
const Delegation* landlord_of(const Policy& policy, std::string_view path);
/// How many delegations tenants have made below @p landlord.
std::size_t tenants_below(const PolicyLayers& layers, const Delegation& landlord);
/// Removes run-time changes of delegations that the files' @p policy does not have (any more) and
/// that they do not make themselves, or whose cgroup it gives to another; and what tenants made
/// where it does not let them (any more). Returns their names.
std::vector<std::string> lift_orphans(PolicyLayers& layers, const Policy& policy);

}  // namespace fief
