// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/port.hpp"

#include <algorithm>

namespace fief {

const ObservedScheduler* Observation::find(CgroupId cgroup) const {
  const auto at = std::ranges::lower_bound(schedulers, cgroup, {}, &ObservedScheduler::cgroup);
  return at != schedulers.end() && at->cgroup == cgroup ? &*at : nullptr;
}

}  // namespace fief
