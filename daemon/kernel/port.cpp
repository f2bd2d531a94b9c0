// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/port.hpp"

#include <algorithm>

namespace fief {

const ObservedScheduler* Observation::find(CgroupId cgroup) const {
  const auto it = std::ranges::find(schedulers, cgroup, &ObservedScheduler::cgroup);
  return it == schedulers.end() ? nullptr : &*it;
}

}  // namespace fief
