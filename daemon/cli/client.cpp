// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client.hpp"

#include <array>
#include <chrono>
#include <string_view>

#include "api/view_json.hpp"
#include "fief/dbus_names.hpp"

namespace fief::cli {
namespace {

// Long enough for a person to authenticate and for schedulers to be attached on a slow machine.
constexpr std::chrono::microseconds kTimeout = std::chrono::minutes{5};

struct Known {
  std::string_view name;
  Errc code;
};
constexpr std::array kKnownErrors{
    Known{dbus::kErrorInvalidPolicy, Errc::infeasible},
    Known{dbus::kErrorInfeasible, Errc::infeasible},
    Known{SD_BUS_ERROR_INVALID_ARGS, Errc::invalid},
    Known{SD_BUS_ERROR_NOT_SUPPORTED, Errc::unsupported},
    Known{SD_BUS_ERROR_LIMITS_EXCEEDED, Errc::busy},
    Known{dbus::kErrorNoSuchScheduler, Errc::not_found},
    Known{dbus::kErrorKernelRefused, Errc::kernel},
    Known{SD_BUS_ERROR_ACCESS_DENIED, Errc::denied},
    Known{SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, Errc::denied},
};

tl::unexpected<Error> failure(const dbus::BusError& error, int result) {
  const auto name = error.name();
  if (name == SD_BUS_ERROR_SERVICE_UNKNOWN || name == SD_BUS_ERROR_NAME_HAS_NO_OWNER)
    return fail(Errc::not_found, "fiefd is not running; start it with \"systemctl start fiefd\"");
  if (name == SD_BUS_ERROR_NO_REPLY || name == SD_BUS_ERROR_DISCONNECTED)
    return fail(Errc::io, "fiefd did not answer; \"journalctl -u fiefd\" may say why");
  const auto message =
      error.message().empty() ? dbus::errno_text(result) : std::string(error.message());
  for (const auto& known : kKnownErrors)
    if (name == known.name)
      return fail(known.code, "{}", message);
  return fail(Errc::io, "{}", message);
}

}  // namespace

Result<Client> Client::connect() {
  sd_bus* bus = nullptr;
  if (const int result = sd_bus_open_system(&bus); result < 0)
    return fail(Errc::io, "cannot connect to the system bus: {}", dbus::errno_text(result));
  return Client(dbus::BusHandle(bus));
}

Result<dbus::MessageRef> Client::call(const char* method, const Append& append) {
  sd_bus_message* raw = nullptr;
  int result = sd_bus_message_new_method_call(bus_.get(), &raw, dbus::kService, dbus::kPath,
                                              dbus::kManagerInterface, method);
  const auto request = dbus::adopt(raw);
  if (result >= 0 && append)
    result = append(*raw);
  dbus::BusError error;
  sd_bus_message* reply = nullptr;
  if (result >= 0) {
    // Looking at a service must not start it: that would change how the machine schedules.
    sd_bus_message_set_auto_start(raw, 0);
    sd_bus_message_set_allow_interactive_authorization(raw, 1);
    result = sd_bus_call(bus_.get(), raw, static_cast<std::uint64_t>(kTimeout.count()), error.out(),
                         &reply);
  }
  if (result < 0)
    return failure(error, result);
  return dbus::adopt(reply);
}

Result<StatusView> Client::status() {
  const auto reply = call("GetStatus");
  if (!reply)
    return tl::unexpected(reply.error());
  const char* json = nullptr;
  if (const int result = sd_bus_message_read(reply->get(), "s", &json); result < 0)
    return fail(Errc::io, "fiefd's answer cannot be read: {}", dbus::errno_text(result));
  auto status = status_from_json(json);
  if (!status)  // not the caller's input: Errc::invalid would blame that
    return fail(Errc::io, "{}", status.error().message);
  return status;
}

Status Client::change(const char* method, const Append& append) {
  if (const auto reply = call(method, append); !reply)
    return tl::unexpected(reply.error());
  return {};
}

}  // namespace fief::cli
