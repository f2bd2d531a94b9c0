// SPDX-License-Identifier: GPL-2.0-only
// /sys/kernel/sched_ext: which schedulers are attached where, by the kernel's own word.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief {

struct SysfsScheduler {
  CgroupId cgroup;  ///< kSelf: the root
  CgroupId parent;
  std::string name;  ///< its "ops" file
  std::string directory;
};

class SchedExtSysfs {
 public:
  explicit SchedExtSysfs(std::string root = "/sys/kernel/sched_ext") : root_(std::move(root)) {}

  /// "disabled", "enabling", "enabled" or "disabling". Errc::not_found: no sched_ext here.
  [[nodiscard]] Result<std::string> state() const;
  /// All attached schedulers, parents before children; empty when none is. Schedulers that vanish
  /// while this reads are left out. Cheap while nothing comes or goes: a stat(2) for each.
  std::vector<SysfsScheduler> schedulers();
  /// How often the kernel has refused a scheduler what it has no cap for, or what is not its own; 0
  /// for one that schedulers() did not return last time, or that has gone.
  [[nodiscard]] std::uint64_t denied(CgroupId cgroup) const;

 private:
  /// A directory as it was when it was read. kernfs counts the directories in one as its links, and
  /// one that is made anew is another inode: as long as neither changes, nothing in it has.
  struct Seen {
    std::string directory;
    std::uint64_t inode = 0;
    std::uint64_t links = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  static std::optional<Seen> look_at(const std::string& directory);
  [[nodiscard]] bool is_as_seen() const;
  void collect(const std::string& directory, CgroupId cgroup, CgroupId parent);

  std::string root_;
  std::vector<SysfsScheduler> schedulers_;  ///< as last read
  std::vector<Seen> seen_;                  ///< what that was read from
};

}  // namespace fief
