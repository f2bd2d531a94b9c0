// SPDX-License-Identifier: GPL-2.0-only
// What a scheduler's end means for what happens next. Pure.
#pragma once

#include <string>
#include <string_view>

#include "kernel/port.hpp"

namespace fief {

enum class ExitClass {
  requested,       ///< unregistered from user space
  cgroup_removed,  ///< its cgroup went away
  with_parent,     ///< the scheduler above it ended
  killed,          ///< by the scheduler above it, or by SysRq
  restart,         ///< asks to be loaded again at once, e.g. after CPU hotplug
  failed,          ///< an error, a stall, or its own decision
};

/// Reads kind and code; a kind of 0 (the end was seen, its record was not) counts as failed.
ExitClass classify(const ExitInfo& exit);

/// The reason of StatusListener::scheduler_detached().
std::string_view detach_reason(ExitClass exit);

/// "runnable task stall: db[77] did not run for 5 s": for a sentence that says why, in the kernel's
/// words where it has left any; "exit kind 2000" of a kind that nobody here knows.
std::string describe(const ExitInfo& exit);

}  // namespace fief
