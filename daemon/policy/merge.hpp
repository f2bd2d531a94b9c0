// SPDX-License-Identifier: GPL-2.0-only
// Third stage: drafts of several files → one draft → Policy. Private to the parser.
#pragma once

#include <span>
#include <vector>

#include "policy/cgroup_pattern.hpp"
#include "policy/draft.hpp"
#include "policy/fault_log.hpp"
#include "policy/parse.hpp"
#include "policy/policy.hpp"
#include "policy/scheduler_options.hpp"

namespace fief {

/// First and second stage of every source. Documents that are not JSON have no draft. The drafts
/// live no longer than @p sources.
std::vector<PolicyDraft> read_drafts(std::span<const PolicyText> sources,
                                     const Surroundings& surroundings, FaultLog& log);

/// What counts of @p draft on @p machine: of a file whose "when" does not hold nothing but the
/// names of what is left out, and of delegations the same.
PolicyDraft of_machine(PolicyDraft draft, const Machine& machine);

/// Lays the drafts over each other, first to last. What amends a delegation that is left out is
/// left out with it, unless it says itself which cgroups it is about. Faults: one file that names a
/// delegation twice, of what counts here.
PolicyDraft merge_drafts(std::vector<PolicyDraft> drafts, FaultLog& log);

/// An entry that stands for every cgroup it means.
struct PatternDraft {
  const DelegationDraft* draft;
  CgroupPattern cgroups;
};

/// The patterns among @p drafts, the one that wins first: selectors before globs, globs before
/// regular expressions, and of two of a kind the later one.
std::vector<PatternDraft> patterns_of(const std::vector<DelegationDraft>& drafts);

/// Lays the keys that @p over has over those of @p under.
void lay_over(DelegationDraft& under, DelegationDraft over);

/// The delegations of a merged draft, in its order, each with what it does not say itself: what the
/// pattern says that means its cgroup (of an entry that has a cgroup of its own, not "enabled"),
/// and under that its class. An entry that only names a cgroup which a pattern means is of that
/// cgroup, one with a slice or a user of the slice's. Faults: classes that there are not, and more
/// than one of kSubjectKeys.
std::vector<DelegationDraft> complete_drafts(const PolicyDraft& draft, FaultLog& log);

/// Fills in the defaults and checks what depends on several values. @p drafts: the delegations of
/// @p draft, complete. @p complete: every source could be read, so that what is not in @p draft
/// does not exist. @p catalog may be unset.
Policy compile_policy(const PolicyDraft& draft, const std::vector<DelegationDraft>& drafts,
                      bool complete, const OptionCatalog& catalog, FaultLog& log);

/// A policy without a fault, and the drafts that it is made of.
struct CompiledPolicy {
  RootDraft root;
  std::vector<DelegationDraft> delegations;  ///< complete; patterns and what is disabled included
  Policy policy;
};

/// All stages, as parse_policy(). The drafts live no longer than @p sources.
tl::expected<CompiledPolicy, std::vector<PolicyFault>> compile_sources(
    std::span<const PolicyText> sources, std::vector<PolicyFault> unread,
    const OptionCatalog& catalog, const Surroundings& surroundings);

}  // namespace fief
