// SPDX-License-Identifier: GPL-2.0-only
// One level of a plan, carried out by the scheduler that divides there.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/port.hpp"
#include "kernel/scheduler_object.hpp"
#include "kernel/state_codec.hpp"

namespace fief {

/// Writes @p level into @p parent's tables and has it carry out @p ops, in batches of what the
/// tables hold. As KernelPort::apply(); @p slots are those of @p parent.
Result<std::vector<RefusedOp>> apply_level(const SchedulerObject& parent, SlotTable& slots,
                                           const LevelPlan& level, const std::vector<GrantOp>& ops,
                                           std::uint64_t plan_number);

}  // namespace fief
