// SPDX-License-Identifier: GPL-2.0-only
// /sys/kernel/sched_ext: which schedulers are attached where, by the kernel's own word.
#pragma once

#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief {

struct SysfsScheduler {
  CgroupId cgroup;  ///< kSelf: the root
  CgroupId parent;
  std::string name;  ///< its "ops" file
};

class SchedExtSysfs {
 public:
  explicit SchedExtSysfs(std::string root = "/sys/kernel/sched_ext") : root_(std::move(root)) {}

  /// "disabled", "enabling", "enabled" or "disabling". Errc::not_found: no sched_ext here.
  [[nodiscard]] Result<std::string> state() const;
  /// All attached schedulers, parents before children; empty when none is. Schedulers that vanish
  /// while this reads are left out.
  [[nodiscard]] std::vector<SysfsScheduler> schedulers() const;

 private:
  void collect(const std::string& directory, CgroupId cgroup, CgroupId parent,
               std::vector<SysfsScheduler>& out) const;
  std::string root_;
};

}  // namespace fief
