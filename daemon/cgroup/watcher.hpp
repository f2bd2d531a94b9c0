// SPDX-License-Identifier: GPL-2.0-only
// Keeps a view of the cgroup hierarchy up to date through inotify: nothing polls, nothing runs
// while nothing changes, and a change costs the work on the cgroups it touches.
//
// Two watches a cgroup: on its directory (children come and go, somebody writes to a file in it)
// and on its cgroup.events (it becomes populated or empty). cgroup.events needs its own: the kernel
// changes it by itself, and kernfs sends that event only while the file's inode is in memory, and a
// watch is what keeps it there. Everything else that is read changes by writes, to the file itself,
// to the parent's cgroup.subtree_control or to somebody's cpuset; only CPUs that come and go change
// cpusets without one, see reread_cpusets().
//
// Loop thread only. The owner waits for fd() to become readable and then calls drain().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cgroup/reader.hpp"
#include "cgroup/tree.hpp"
#include "core/result.hpp"

namespace fief {

class CgroupWatcher {
 public:
  /// Reads the hierarchy and starts to watch it. Errc::not_found without the mount; Errc::io,
  /// naming the sysctl, when the inotify limits do not allow that many watches.
  static Result<CgroupWatcher> open(std::string_view mount = kCgroupMount);

  CgroupWatcher(CgroupWatcher&&) noexcept;
  CgroupWatcher& operator=(CgroupWatcher&&) noexcept;
  CgroupWatcher(const CgroupWatcher&) = delete;
  CgroupWatcher& operator=(const CgroupWatcher&) = delete;
  ~CgroupWatcher();

  /// Readable when there is something to drain. Owned by the watcher.
  [[nodiscard]] int fd() const;

  /// Takes in everything that happened, without blocking; true if the view is another than before.
  /// After an overflow of the inotify queue everything is read afresh. After a failure the next
  /// call does so too: it misses nothing, and counts what the failed one had taken in.
  Result<bool> drain();

  /// Takes in a weight that the kernel has told, without a look at the file; true if it is another
  /// than the view had. read_noted() is to follow: what was told may be out of date.
  bool note_weight(CgroupId id, std::uint32_t weight);

  /// Reads the files of cgroups whose weights were noted; true if any has another value than the
  /// view. Until then drain() leaves these files alone.
  Result<bool> read_noted();

  /// Reads every cpuset again: for when a CPU came or went. True if any differs from the view.
  Result<bool> reread_cpusets();

  /// Reads everything again, watches included: for when events may have been missed. True if
  /// anything differs from the view.
  Result<bool> reread();

  /// The current view. The reference holds until the next call of a non-const member. Linear work
  /// after cgroups came or went, none otherwise.
  [[nodiscard]] const CgroupTree& tree();
  /// The path of a cgroup whose children are not followed, because they are too deep or their paths
  /// too long (cgroup/hierarchy.hpp); "" if there is none.
  [[nodiscard]] std::string unfollowed() const;
  /// Another number whenever a cgroup came, went or moved; never 0.
  [[nodiscard]] std::uint64_t generation() const;

 private:
  class Impl;
  explicit CgroupWatcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fief
