// SPDX-License-Identifier: GPL-2.0-only
// What the D-Bus service needs of the daemon, and what the daemon tells it. The controller
// implements Backend; the service registers itself as its StatusListener. Nothing here decides.
#pragma once

#include <functional>

#include "api/views.hpp"
#include "core/result.hpp"

namespace fief {

class Backend {
 public:
  virtual ~Backend() = default;

  /// The present state. Cheap: no kernel call but cpu.stat reads.
  [[nodiscard]] virtual StatusView status() const = 0;

  /// Reads, validates, plans and puts in force the policy files. @p done runs once the kernel has
  /// been observed in the new state, or with why the running policy stayed in force.
  virtual void reload(std::function<void(Status)> done) = 0;
};

class StatusListener {
 public:
  virtual ~StatusListener() = default;
  /// Something that status() shows has changed.
  virtual void status_changed() = 0;
  /// The kernel reported it, and observation confirmed it.
  virtual void scheduler_attached(const SchedulerView& scheduler) = 0;
  /// @p reason: "requested", "cgroup-removed", "exited", "killed", "daemon-stopping".
  virtual void scheduler_detached(const SchedulerView& scheduler, const std::string& reason) = 0;
};

}  // namespace fief
