// SPDX-License-Identifier: GPL-2.0-only
// Whether this kernel, and this process on it, can do what fief needs.
#pragma once

#include "core/result.hpp"
#include "kernel/sched_ext_sysfs.hpp"

namespace fief {

/// One clear sentence about the first thing that is missing. Errc::unsupported: this kernel cannot
/// (no sched_ext, no BTF, no sub-schedulers, isolcpus=, lockdown); Errc::denied: too few
/// privileges; Errc::busy: another root scheduler is loaded, and it is not @p ours, one that an
/// earlier daemon left. For none of these does retrying help by itself.
Status probe_kernel(SchedExtSysfs& sysfs, bool ours);

}  // namespace fief
