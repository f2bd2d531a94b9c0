// SPDX-License-Identifier: GPL-2.0-only
// One scheduler's level while it is being planned. Internal to plan/.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.hpp"

namespace fief {

inline constexpr CpuTime kUnlimited = std::numeric_limits<CpuTime>::max();
inline constexpr std::uint32_t kNone = UINT32_MAX;

/// The work that can be done in @p time of a CPU of @p capacity, in 1/65536 of what a CPU of full
/// capacity does in the planner's unit of time. Rounded up: there is some in any time.
constexpr CpuTime work_in(CpuTime time, std::uint32_t capacity) {
  return (time * capacity + kFullCapacity - 1) / kFullCapacity;
}

/// What of one cid a scheduler may divide.
struct HeldCid {
  Cid cid;
  CpuTime time = 0;  ///< kCpuUnit where it owns the cid, else its share
  CpuTime work = 0;  ///< that can be done in this time
  friend bool operator==(const HeldCid&, const HeldCid&) = default;
};

/// What a scheduler has to divide, ascending by cid.
struct Holding {
  std::vector<HeldCid> cids;
  CpuTime total = 0;  ///< work
  CidSet borrowed;    ///< beside these, as long as nobody above needs them
  bool perf = true;   ///< may FIEF_CAP_PERF be handed down? Only what is held can be.
};

/// A participant and what it asks for.
struct Member {
  CgroupId cgroup;
  std::string_view path;                   ///< in the input's CgroupTree
  const Delegation* delegation = nullptr;  ///< absent: the scheduler itself, or a foreign child
  double share = 0;    ///< of the level, by weight, among who wants to run; all sum to 1
  double nominal = 0;  ///< the same if everybody with processes wanted to
  bool awake = true;
  CpuTime least = 1;          ///< never less: min_cpus, the floor
  CpuTime most = kUnlimited;  ///< never more: max_cpus, cpu.max, its confinement
  std::vector<WeightStep> chain;
  CpuTime by_weight = 0;
  CpuTime nominal_time = 0;
  CpuTime due = 0;
  std::uint32_t confinement = kNone;  ///< index in Level::confinements
  /// CPU numbers that its cgroup's cpuset has; once confinements are found, only where the level
  /// has others as well.
  std::optional<CidSet> cpuset;
  std::optional<CpuTime> limit;  ///< the least cpu.max from its cgroup up to the level's
  bool crowded = false;          ///< has all that its confinement can give it
  /// On a level of several kinds of CPUs: how many of each of its cells, once that is settled. Of
  /// exclusive members only.
  std::vector<std::uint32_t> wholes;

  [[nodiscard]] Cores cores() const {
    return delegation == nullptr ? Cores::any : delegation->cores;
  }
  [[nodiscard]] bool whole_only() const { return delegation != nullptr && delegation->exclusive; }
  /// May threads of one core have another owner beside this one? The parent's own tasks do not
  /// mind; two children must both allow it.
  [[nodiscard]] bool splits_cores() const {
    return cgroup == kSelf || (delegation != nullptr && delegation->smt == Smt::split);
  }
};

/// What confines a member, for messages: "placement", "cpuset" or "placement and cpuset".
std::string_view confined_by(const Member& member);

/// The held cids that members with equal cpusets and "cpus:" placements are confined to.
struct Confinement {
  CidSet cids;
  CpuTime work = 0;  ///< that they can do
  std::vector<std::uint32_t> members;
};

/// Held cids that are in the same confinements.
struct Region {
  CidSet cids;
  CpuTime work = 0;                         ///< that they can do for those who are not exclusive
  std::vector<std::uint32_t> confinements;  ///< ascending
};

/// Held cids of one capacity in the same region, or in none.
struct Cell {
  std::uint32_t capacity = kFullCapacity;
  std::uint32_t region = kNone;
  std::uint32_t cids = 0;
  std::uint32_t wholes = 0;   ///< of the cids, how many are held whole
  std::uint32_t threads = 1;  ///< of the largest core among those
  CpuTime time = 0;
  CpuTime work = 0;

  /// Work of a whole CPU.
  [[nodiscard]] CpuTime cpu() const { return work_in(kCpuUnit, capacity); }
};

/// members[0] is the scheduler itself, the others ascend by cgroup.
struct Level {
  CgroupId scheduler;
  std::string_view path;
  std::vector<Member> members;
  std::vector<Confinement> confinements;
  std::vector<Region> regions;  ///< disjoint; together they are all confinements
  Holding holding;
  /// By falling capacity, then by region. Empty where all that is held has full capacity: there
  /// work is time.
  std::vector<Cell> cells;
  std::vector<std::uint32_t> cell_of;  ///< by cid value, kNone where not held; empty as cells
};

/// What was there before: the plan in force for a level and its memory; null where there is none.
struct Past {
  const LevelPlan* level = nullptr;
  const LevelMemory* memory = nullptr;
};

/// What the root scheduler has: every online cid, whole.
Holding whole_machine(const Topology& topology);
/// What a child has by its parent's plan.
Holding handed_to(const ParticipantPlan& child, const LevelPlan& above, const Topology& topology);
/// What the level's scheduler has, by the levels above it in @p plan; empty if it is in none.
Holding holding_of(const Level& level, const std::vector<LevelPlan>& plan,
                   const Topology& topology);

}  // namespace fief
