// SPDX-License-Identifier: GPL-2.0-only
// Plans against observations. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "cgroup/tree.hpp"
#include "kernel/port.hpp"
#include "plan/plan.hpp"

namespace fief {

/// What is to be planned for: every attached child, own or foreign, whose parent is a scheduler
/// of this daemon. Below a foreign scheduler that one decides.
std::vector<Attachment> attachments(const Observation& observation);

/// The same as it would be if this daemon's children were exactly @p own: each below the nearest
/// scheduler above it in @p cgroups.
std::vector<Attachment> attachments_if(const std::vector<CgroupId>& own,
                                       const Observation& observation, const CgroupTree& cgroups);

/// How many children stand below each scheduler that has any.
using ChildCounts = std::map<CgroupId, std::size_t>;
ChildCounts count_children(const Observation& observation);

/// The scheduler that one attached to @p node, of @p cgroups, would stand below.
CgroupId scheduler_above(const CgroupNode& node, const Observation& observation,
                         const CgroupTree& cgroups);

/// What the children of @p scheduler hold.
std::map<CgroupId, HeldCaps> held_by_children(const Observation& observation, CgroupId scheduler);

/// What @p scheduler has left for its own tasks. All caps but the baseline: where no child has a
/// right of any kind. The baseline: there, and on the cids it shares by @p level (may be null).
HeldCaps kept_by(const Observation& observation, CgroupId scheduler, const LevelPlan* level);

/// Whether every child of @p level's scheduler holds what @p level says, no less and no more.
bool holds(const LevelPlan& level, const Observation& observation);

/// Whether @p plan holds at every level and speaks of every attached scheduler.
bool holds(const Plan& plan, const Observation& observation);

/// Whether the scheduler of @p cgroup, which is attached, holds what @p plan says, whatever others
/// do.
bool holds(const Plan& plan, const Observation& observation, CgroupId cgroup);

/// Whether two levels tell the kernel the same, however their entitlements came about.
bool same_orders(const LevelPlan& a, const LevelPlan& b);

}  // namespace fief
