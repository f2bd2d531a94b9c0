// SPDX-License-Identifier: GPL-2.0-only
// Status as data: what D-Bus, fiefctl and the journal show is made from these and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/cid_set.hpp"
#include "core/ids.hpp"
#include "core/time_histogram.hpp"
#include "kernel/port.hpp"
#include "plan/plan.hpp"
#include "topology/topology.hpp"

namespace fief {

/// Where a delegation stands.
enum class SchedulerState {
  waiting,      ///< its cgroup does not exist (yet)
  attaching,    ///< being loaded
  attached,     ///< runs
  backing_off,  ///< failed; will be tried again
  quarantined,  ///< failed too often; waits for the administrator
  detached,     ///< left out by the policy or on request: "enabled" is false
};
std::string_view to_string(SchedulerState state);

struct SchedulerView {
  CgroupId cgroup;         ///< 0: the root scheduler
  std::string path;        ///< "/" for the root
  std::string delegation;  ///< name in the policy; empty for the root and foreign children
  std::string pattern;     ///< name of the pattern that stands for it; else empty
  std::string scheduler;   ///< e.g. "fair"; a foreign child's ops name
  SchedulerState state = SchedulerState::waiting;
  bool foreign = false;
  std::uint32_t weight = 0;  ///< in force; 0 for the root
  Entitlement entitlement;
  CidSet planned_exclusive;
  SharedCids planned_shared;
  HeldCaps held;                 ///< observed. For the root: what it keeps for its own tasks
  bool as_planned = false;       ///< observed == planned
  std::uint64_t usage_usec = 0;  ///< cpu.stat of the cgroup; the root: of everything else
  Counters counters;
  std::string last_error;  ///< why it is not attached, or how it last ended
};

/// How soon weights that were written counted, each time from the moment the kernel was told of
/// one, since the daemon's start.
struct ReactionTimes {
  TimeHistogram heard;     ///< until the daemon had heard of it
  TimeHistogram begun;     ///< until a turn for it began
  TimeHistogram in_force;  ///< until the kernel was observed to hold the plan with it
  friend bool operator==(const ReactionTimes&, const ReactionTimes&) = default;
};

struct StatusView {
  std::string version;
  std::string state;  ///< "starting", "running", "degraded", "stopping"
  std::uint64_t plan_number = 0;
  std::uint32_t nr_cpus = 0;
  bool as_planned = false;
  std::string policy_file;
  std::string policy_error;  ///< why the policy files were refused, at a reload or at the start;
                             ///< empty if it was not
  ReactionTimes reactions;
  std::vector<SchedulerView> schedulers;  ///< root first, then by path
  /// Index: cid, value: the CPU's number. Empty until the topology is known.
  std::vector<std::uint32_t> cpu_of_cid{};
  /// Where each cid sits; known to the daemon alone, GetPlan tells others. Empty as cpu_of_cid is.
  std::vector<CidInfo> places{};
};

}  // namespace fief
