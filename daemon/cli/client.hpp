// SPDX-License-Identifier: GPL-2.0-only
// fiefctl's side of the bus: plain calls that wait for their answer.
#pragma once

#include <functional>

#include "api/sdbus.hpp"
#include "api/views.hpp"
#include "core/result.hpp"

namespace fief::cli {

class Client {
 public:
  /// Connects to the system bus, or to what DBUS_SYSTEM_BUS_ADDRESS says.
  static Result<Client> connect();

  /// The daemon's state. The daemon is not started for it.
  Result<StatusView> status();
  /// Adds a call's arguments; returns what sd-bus returned.
  using Append = std::function<int(sd_bus_message& call)>;
  /// Calls a method of the Manager that changes something; returns when it is in force. Errc tells
  /// the daemon's named errors apart, Errc::denied that the caller may not; asks the caller to
  /// authenticate where polkit wants it.
  Status change(const char* method, const Append& append);

 private:
  explicit Client(dbus::BusHandle bus) : bus_(std::move(bus)) {}
  Result<dbus::MessageRef> call(const char* method, const Append& append = {});

  dbus::BusHandle bus_;
};

}  // namespace fief::cli
