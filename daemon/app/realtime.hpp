// SPDX-License-Identifier: GPL-2.0-only
// The daemon must run when the machine is saturated and memory is short: it is what would mend it.
#pragma once

#include "core/result.hpp"

namespace fief {

/// Puts the calling thread in SCHED_RR at a low priority, above every sched_ext scheduler and
/// below what else is real-time. Children started from it do not inherit that. Errc::denied.
Status take_realtime_priority();

/// Keeps what is mapped now in memory from when it is first touched: code, data, heap. What is
/// mapped later is not locked, see the source. Errc::denied.
Status lock_memory();

/// Keeps khugepaged, which is preempted by all other work, from locking this process's memory map.
/// Inherited by what is started from here. Errc::denied.
Status refuse_huge_pages();

}  // namespace fief
