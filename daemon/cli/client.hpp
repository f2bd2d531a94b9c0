// SPDX-License-Identifier: GPL-2.0-only
// fiefctl's side of the bus: plain calls that wait for their answer.
#pragma once

#include <functional>

#include "api/sdbus.hpp"
#include "core/fd.hpp"
#include "core/result.hpp"
#include "status/views.hpp"

namespace fief::cli {

class Client {
 public:
  /// Connects to the system bus, or to what DBUS_SYSTEM_BUS_ADDRESS says.
  static Result<Client> connect();
  /// Whether there is a bus and the daemon on it.
  static bool daemon_runs();

  /// The daemon's state. The daemon is not started for it.
  Result<StatusView> status();
  /// The text that a method without arguments answers with.
  Result<std::string> text(const char* method);
  /// What DumpByFileDescriptor's descriptor holds.
  Result<std::string> text_by_descriptor();
  /// Adds a call's arguments; returns what sd-bus returned.
  using Append = std::function<int(sd_bus_message& call)>;
  /// Calls a method of the Manager that changes something; returns when it is in force. Errc tells
  /// the daemon's named errors apart, Errc::denied that the caller may not; asks the caller to
  /// authenticate where polkit wants it.
  Status change(const char* method, const Append& append);
  /// The same for a method that answers with a file descriptor.
  Result<UniqueFd> descriptor(const char* method, const Append& append);
  /// Why @p subject is as it is, as text and as JSON.
  struct Explanation {
    std::string text;
    std::string json;
  };
  Result<Explanation> explain(const std::string& subject);
  /// What a reload would change, in the same forms. Errc::invalid, Errc::infeasible: why not.
  Result<Explanation> preview_reload();

 private:
  explicit Client(dbus::BusHandle bus) : bus_(std::move(bus)) {}
  static Result<Explanation> read_explanation(sd_bus_message& reply);
  Result<dbus::MessageRef> call(const char* method, const Append& append = {});

  dbus::BusHandle bus_;
};

}  // namespace fief::cli
