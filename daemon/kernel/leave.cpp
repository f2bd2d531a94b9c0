// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/leave.hpp"

#include <ranges>
#include <vector>

#include "kernel/pins.hpp"
#include "kernel/sched_ext_sysfs.hpp"

namespace fief {

// Deepest first: a parent that ends takes those below it along as if they had failed.
Status end_pinned_schedulers(const std::string& pin_dir) {
  std::vector<CgroupId> order;
  const auto attached = SchedExtSysfs{}.schedulers();
  for (const auto& scheduler : attached | std::views::reverse)
    if (scheduler.cgroup != kSelf)
      order.push_back(scheduler.cgroup);
  for (const auto cgroup : pinned_schedulers(pin_dir) | std::views::reverse)
    order.push_back(cgroup);
  Status outcome;
  for (const auto cgroup : order)
    if (const auto ended = PinDirectory(pin_dir, cgroup).end(); !ended && outcome)
      outcome = ended;
  return outcome;
}

}  // namespace fief
