// SPDX-License-Identifier: GPL-2.0-only
// The daemon must run when the machine is saturated and memory is short: it is what would mend it.
#pragma once

#include "core/result.hpp"

namespace fief {

/// Puts the calling thread in SCHED_RR at a low priority, above every sched_ext scheduler and
/// below what else is real-time. Children started from it do not inherit that. Errc::denied.
Status take_realtime_priority();

/// Keeps every page that was touched in memory, present and future ones. Pages are not touched
/// ahead: the arena of a BPF scheduler is a mapping of gigabytes that is nearly all empty.
/// Errc::denied.
Status lock_memory();

}  // namespace fief
