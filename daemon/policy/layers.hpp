// SPDX-License-Identifier: GPL-2.0-only
// Where the policy in force comes from: the files as they were read, and over them what was
// changed since without touching a file. Plain values: a change is tried on a copy, and the copy
// replaces the original once it proved good. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "policy/change.hpp"
#include "policy/parse.hpp"
#include "policy/show.hpp"

namespace fief {

/// A change that no file holds.
struct RuntimeChange {
  std::uint64_t hold = 0;  ///< what it lasts as long as; 0: the daemon
  std::string origin;      ///< for people, in a file's place: "run time, uid 0"
  DelegationChange change;
  /// Whose it is who may make delegations as the owner of a cgroup; 0: an administrator's.
  std::uint32_t tenant = 0;
  CgroupId cgroup{};  ///< of a tenant's: the one that it was asked for; another at its path is not
};

struct PolicyLayers {
  std::vector<PolicyText> files;  ///< in the order they are merged
  /// Later ones over earlier ones: tenants' first, then administrators'; of each, held ones last.
  std::vector<RuntimeChange> runtime;
};

/// Every layer as a source, files first.
std::vector<PolicyText> sources_of(const PolicyLayers& layers);

/// The policy that all layers together make; options are judged as far as @p catalog knows them.
TracedResult effective_policy(const PolicyLayers& layers, const OptionCatalog& catalog = {});

/// A policy of layers that do not contradict each other.
struct SoundPolicy {
  PolicyLayers layers;
  TracedPolicy made;                ///< that they make
  std::vector<std::string> lifted;  ///< tenants' delegations of which something had to go
};
/// As effective_policy(). What tenants asked for and contradicts the rest is no fault: it is
/// lifted, and where a delegation of theirs cannot be even without it, that goes.
tl::expected<SoundPolicy, std::vector<PolicyFault>> sound_policy(PolicyLayers layers,
                                                                 const OptionCatalog& catalog = {});

/// Adds a change, or lays it over the one that lasts as long, is of the same delegation,
/// and was asked for by the same tenant or by an administrator as well.
void lay_over(PolicyLayers& layers, RuntimeChange change);
/// Removes run-time changes of delegation @p name that nothing holds: of @p keys, or all if empty.
void lift(PolicyLayers& layers, std::string_view name, const ChangedKeys& keys = {});
/// Removes what @p hold held.
void release(PolicyLayers& layers, std::uint64_t hold);
/// Puts @p file in its place among the drop-ins, over one of the same base name; an empty text
/// takes it away.
void put_drop_in(PolicyLayers& layers, PolicyText file);
/// Uids of tenants, by the path of the cgroup that they delegated.
using Tenants = std::map<std::string, std::uint32_t, std::less<>>;
Tenants tenants_of(const PolicyLayers& layers);
/// Removes every run-time change of @p name, a tenant's delegation, and what refers to it.
void lift_tenancy(PolicyLayers& layers, const std::string& name);
/// The cgroup of the delegation that a change makes; nullptr: it makes none.
const std::string* founded_cgroup(const RuntimeChange& change);
/// The innermost delegation above the cgroup @p path that lets owners of cgroups below it delegate;
/// nullptr: none does.
const Delegation* landlord_of(const Policy& policy, std::string_view path);
/// Removes run-time changes of delegations that the files' @p policy does not have (any more) and
/// that they do not make themselves, or whose cgroup it gives to another; and what tenants made
/// where it does not let them (any more). Returns their names, each once.
std::vector<std::string> lift_orphans(PolicyLayers& layers, const Policy& policy);

}  // namespace fief
