// SPDX-License-Identifier: GPL-2.0-only
// The kernel's state read back: who is attached where by sysfs, what each child holds by asking its
// parent.
#pragma once

#include "kernel/attached_schedulers.hpp"
#include "kernel/port.hpp"
#include "kernel/sched_ext_sysfs.hpp"

namespace fief {

class Observer {
 public:
  Result<Observation> observe(const AttachedSchedulers& own);
  /// The scheduler above that of @p cgroup; kSelf also where there is none.
  [[nodiscard]] CgroupId parent_of(CgroupId cgroup);
  [[nodiscard]] SchedExtSysfs& sysfs() { return sysfs_; }
  [[nodiscard]] const SchedExtSysfs& sysfs() const { return sysfs_; }

 private:
  SchedExtSysfs sysfs_;
};

}  // namespace fief
