// SPDX-License-Identifier: GPL-2.0-only
// fiefctl's side of the bus: plain calls that wait for their answer.
#pragma once

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
  /// Returns when the policy is in force. Errc::invalid if it was refused, Errc::denied if the
  /// caller may not; asks the caller to authenticate where polkit wants it.
  Status reload();

 private:
  explicit Client(dbus::BusHandle bus) : bus_(std::move(bus)) {}
  Result<dbus::MessageRef> call(const char* method);

  dbus::BusHandle bus_;
};

}  // namespace fief::cli
