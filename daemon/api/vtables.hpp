// SPDX-License-Identifier: GPL-2.0-only
// What the bus objects need of the service. The vtable files behind it translate between this and
// D-Bus and decide nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/backend.hpp"
#include "api/sdbus.hpp"
#include "status/views.hpp"

namespace fief::dbus {

/// A change that somebody asks for.
struct Change {
  const char* action = nullptr;  ///< the polkit action that it takes
  std::string what;              ///< for the journal: "set weight=300 of db"
  /// Hands it to the backend; @p requester says who asks, for people.
  std::function<void(Backend& backend, const std::string& requester, Backend::Done done)> begin;
  const char* invalid = SD_BUS_ERROR_INVALID_ARGS;  ///< the name of Errc::invalid
  /// Replies to success; unset: without arguments. @p sender may be gone by then.
  std::function<void(sd_bus_message& request)> answer{};
};

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
  /// is known.
  virtual void carry_out(sd_bus_message& request, Change change) = 0;
  /// The same for a change that lasts as long as the descriptor that is the reply.
  virtual void boost(sd_bus_message& request, std::string what, ChangeRequest wanted) = 0;
  /// For what live() does not hold.
  [[nodiscard]] virtual const Backend& backend() const = 0;
};

/// Registers the Manager at kPath. @p objects must outlive the bus.
Status add_manager(sd_bus& bus, Objects& objects);
/// Registers an object for each scheduler below kSchedulerPathPrefix. @p objects must outlive the
/// bus.
Status add_schedulers(sd_bus& bus, Objects& objects);

}  // namespace fief::dbus
