// SPDX-License-Identifier: GPL-2.0-only
// What the bus objects need of the service. The vtable files behind it translate between this and
// D-Bus and decide nothing.
#pragma once

#include <string>
#include <vector>

#include "api/sdbus.hpp"
#include "backend/backend.hpp"
#include "backend/operation.hpp"
#include "status/views.hpp"

namespace fief::dbus {

class Objects {
 public:
  virtual ~Objects() = default;

  /// The state now. Valid until the bus turns again.
  virtual const StatusView& live() = 0;
  /// The same as JSON. Valid until the bus turns again.
  virtual const std::string& live_json() = 0;
  /// The scheduler with the object of @p cgroup, or nullptr. Valid until the bus turns again.
  virtual const SchedulerView* find(CgroupId cgroup) = 0;
  /// Every object path of a scheduler.
  virtual std::vector<std::string> paths() = 0;
  /// Finds out whether the sender of @p request may do this, does it, and replies when the outcome
  /// is known: with the descriptor that holds a boost, without arguments to all else.
  virtual void carry_out(sd_bus_message& request, Operation operation) = 0;
  /// For what live() does not hold.
  [[nodiscard]] virtual const Backend& backend() const = 0;
};

/// Registers the Manager at kPath. @p objects must outlive the bus.
Status add_manager(sd_bus& bus, Objects& objects);
/// Registers an object for each scheduler below kSchedulerPathPrefix. @p objects must outlive the
/// bus.
Status add_schedulers(sd_bus& bus, Objects& objects);

}  // namespace fief::dbus
