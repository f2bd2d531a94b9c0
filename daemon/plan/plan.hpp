// SPDX-License-Identifier: GPL-2.0-only
// The plan: who owns, who shares and who may borrow each cid, as plain data.
//
// Units: CPU time is counted in 1/65536 of a CPU (kCpuUnit), the kernel side's unit too. What is
// due, and its limits, is work: the time in which a CPU of full capacity does it. Parts of cids are
// time.
#pragma once

#include <boost/container/small_vector.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/tree.hpp"
#include "core/cid_set.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "fief/abi.h"
#include "policy/policy.hpp"
#include "topology/topology.hpp"

namespace fief {

/// CPU time in 1/65536 of a CPU.
using CpuTime = std::uint64_t;
inline constexpr CpuTime kCpuUnit = FIEF_CPU_UNIT;

/// For people: CPUs with up to four digits after the point, "1.25"; what is less shows as
/// "<0.0001".
std::string format_cpus(CpuTime time);

/// Who has wanted to run lately, as far as it decides what a child is due (fief_activity).
struct Activity {
  bool awake = true;  ///< it wants to run time and again; else it sleeps but for moments
  double active = 1;  ///< part of the time in which it has wanted to run, 0..1
  /// Outermost first, for each cgroup of the chain from below the parent scheduler down to the
  /// child's: the weights of its siblings, in units of cpu.weight, each by the part of the time in
  /// which something below it wanted to run. One that has too few tasks for its weight counts less.
  std::vector<double> others;
  friend bool operator==(const Activity&, const Activity&) = default;
};

/// A scheduler that is attached (or about to be), as the planner needs to know it.
struct Attachment {
  CgroupId cgroup;
  CgroupId parent;                     ///< scheduler above it; kSelf is the root scheduler
  bool foreign = false;                ///< attached by somebody else: planned for by weight alone
  std::optional<Activity> activity{};  ///< none: as if everybody with processes wanted to run
  friend bool operator==(const Attachment&, const Attachment&) = default;
};

/// One step of the chain from weights to CPUs: "weight of the sum among its siblings", in units of
/// cpu.weight; in tenths of it where a sibling is idle (cpu.idle counts as 0.3 of weight 1).
struct WeightStep {
  CgroupId cgroup;
  std::string path;
  std::uint64_t weight = 0;
  std::uint64_t sibling_weights = 0;  ///< sum over populated siblings, itself included
  /// The same, each by the part of the time in which it wants to run; itself whole.
  std::uint64_t awake_weights = 0;
  friend bool operator==(const WeightStep&, const WeightStep&) = default;
};

/// What a participant is due, and how that number came about.
struct Entitlement {
  CpuTime cpus = 0;               ///< due in the end, as all of these in work
  CpuTime by_weight = 0;          ///< due by weight alone among who wants to run, before limits
  CpuTime nominal = 0;            ///< the same if everybody with processes wanted to run
  bool awake = true;              ///< it wants to run; what sleeps is due what it needs to wake
  std::vector<WeightStep> chain;  ///< outermost level first; empty for the scheduler itself
  std::optional<CpuTime> min;
  std::optional<CpuTime> max;
  std::optional<CidSet> cpuset;  ///< CPU numbers; set where a cpuset lets it use no others
  std::optional<CpuTime> limit;  ///< the least cpu.max of its own cgroup and those above, if any
  friend bool operator==(const Entitlement&, const Entitlement&) = default;
};

/// A part of one cid's time.
struct SharedCid {
  Cid cid;
  CpuTime fraction = 0;  ///< in (0, kCpuUnit)
  friend bool operator==(const SharedCid&, const SharedCid&) = default;
};

/// Shares of a participant; mostly two at most (packing.cpp), which then need no memory of their
/// own.
using SharedCids = boost::container::small_vector<SharedCid, 2>;

struct ParticipantPlan {
  CgroupId cgroup;  ///< kSelf: the scheduler's own tasks
  Entitlement entitlement;
  CidSet exclusive;
  SharedCids shared;  ///< ascending by cid
  Lend lend = Lend::cpus;
  CidSet landing{};  ///< of its exclusive ones, those that it does not lend (placement/landing.hpp)
  bool borrow = true;
  bool perf = false;
  CpuTime least = 0;                      ///< promised whenever it wants to run
  std::optional<CpuTime> most{};          ///< never due more
  std::optional<std::uint32_t> weight{};  ///< instead of its cgroup's
  friend bool operator==(const ParticipantPlan&, const ParticipantPlan&) = default;
};

/// How one scheduler divides the cids it holds. participants[0] is the scheduler itself, the
/// others follow in ascending cgroup id.
struct LevelPlan {
  CgroupId scheduler;
  CidSet held;
  std::vector<ParticipantPlan> participants;
  CidSet borrowed{};  ///< beside those held: lent by the levels above

  [[nodiscard]] const ParticipantPlan* find(CgroupId cgroup) const;
  friend bool operator==(const LevelPlan&, const LevelPlan&) = default;
};

/// Cids that others may use while whoever is entitled to them has nothing to run: each of a cid's
/// participants lends it, or the levels above do.
CidSet lent_cids(const LevelPlan& level);

/// Time on a clock that never goes back, since a moment of the caller's choice.
using Instant = std::chrono::seconds;

/// Who had a cid before it changed hands.
struct FormerUse {
  Cid cid;
  std::optional<CgroupId> owner;  ///< none: it was shared
  Instant since{};                ///< when it changed hands
  friend bool operator==(const FormerUse&, const FormerUse&) = default;
};

/// Where a participant that is gone had its CPUs. Its cgroup may come back with another id.
struct FormerPlace {
  std::string path;
  CidSet exclusive;
  CidSet shared;
  friend bool operator==(const FormerPlace&, const FormerPlace&) = default;
};

/// What the next plan is to know of the past of one level (memory.hpp). Bounded: an entry a cid,
/// and kMaxFormerPlaces places.
struct LevelMemory {
  CgroupId scheduler;
  std::vector<FormerUse> uses;      ///< ascending by cid
  std::vector<FormerPlace> places;  ///< who left last comes last; one a path
  friend bool operator==(const LevelMemory&, const LevelMemory&) = default;
};

/// Levels from the root downwards.
struct Plan {
  std::uint64_t number = 0;  ///< ascends with every plan made; not part of what is decided
  std::vector<LevelPlan> levels;
  std::vector<LevelMemory> memory;  ///< as levels, in the same order; not part of it either

  [[nodiscard]] const LevelPlan* find_level(CgroupId scheduler) const;
  [[nodiscard]] const LevelMemory* find_memory(CgroupId scheduler) const;
};

/// Same decisions, whatever their numbers and memories.
bool same_decisions(const Plan& a, const Plan& b);

/// What the side that carries a plan out can hold; the planner itself has no limits.
struct PlanLimits {
  std::uint32_t participants = FIEF_MAX_SLOTS;  ///< of one scheduler, itself included
  std::uint32_t sharers = FIEF_MAX_SHARERS;     ///< of one cid
};

struct PlanInput {
  const Topology& topology;
  const CgroupTree& cgroups;
  const Policy& policy;
  const std::vector<Attachment>& attachments;
  const Plan* previous = nullptr;  ///< the plan in force, to move as little as possible
  PlanLimits limits = {};
  Instant now{};  ///< on the clock that was used for the plan in force
};

/// Makes the next plan. Pure: equal input gives an equal plan. Fails with Errc::infeasible and a
/// sentence that names the cgroup, its demand and what is available.
Result<Plan> make_plan(const PlanInput& input);

/// Proves a plan's invariants in linear time: every held cid has exactly one exclusive owner or
/// shares that sum to one CPU, each participant has what it is due (but for the rounding to time
/// where CPUs are not of full capacity), limits and affinities hold,
/// nobody populated has nothing. The daemon applies no plan that fails.
Status check_plan(const Plan& plan, const PlanInput& input);

}  // namespace fief
