// SPDX-License-Identifier: GPL-2.0-only
// Makes status views out of what the controller knows. Decides nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/tree.hpp"
#include "control/schedulers/children.hpp"
#include "kernel/port.hpp"
#include "plan/plan.hpp"
#include "policy/policy.hpp"
#include "status/views.hpp"

namespace fief {

struct StatusSources {
  const Policy& policy;
  const CgroupTree& cgroups;
  const Plan& plan;  ///< in force
  const Observation& observation;
  const Children& children;
  /// Why a delegation gets less than it asks for; empty: it gets all.
  std::function<std::string(const Delegation&)> why_less;
  /// CPU time used by a cgroup so far, in microseconds; unset: nobody asks.
  std::function<std::optional<std::uint64_t>(const CgroupNode&)> usage;
  /// What a scheduler has counted so far; unset: nobody asks.
  std::function<Counters(CgroupId)> counters;
};

/// The root first, then every delegation, also such as are detached, and every other attached
/// scheduler, by path.
std::vector<SchedulerView> scheduler_views(const StatusSources& sources);

}  // namespace fief
