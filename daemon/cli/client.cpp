// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>

#include "cli/unit_state.hpp"
#include "fief/dbus_names.hpp"
#include "status/view_json.hpp"

namespace fief::cli {
namespace {

// Long enough for a person to authenticate and for schedulers to be attached on a slow machine.
constexpr std::chrono::microseconds kTimeout = std::chrono::minutes{5};

constexpr std::size_t kMaxDump = 64U << 20;

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
    Known{dbus::kErrorNotApplied, Errc::stale},
    Known{SD_BUS_ERROR_ACCESS_DENIED, Errc::denied},
    Known{SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, Errc::denied},
};

// For whoever may not.
std::string_view remedy(Errc code) {
  return code == Errc::denied ? "; run it as root, or where polkit can ask for your password" : "";
}

tl::unexpected<Error> failure(sd_bus& bus, const dbus::BusError& error, int result) {
  const auto name = error.name();
  if (name == SD_BUS_ERROR_SERVICE_UNKNOWN || name == SD_BUS_ERROR_NAME_HAS_NO_OWNER)
    return fail(Errc::not_found, "{}", why_not_running(bus));
  if (name == SD_BUS_ERROR_NO_REPLY || name == SD_BUS_ERROR_DISCONNECTED)
    return fail(Errc::io, "fiefd did not answer; \"journalctl -u fiefd\" may say why");
  const auto message =
      error.message().empty() ? dbus::errno_text(result) : std::string(error.message());
  for (const auto& known : kKnownErrors)
    if (name == known.name)
      return fail(known.code, "{}{}", message, remedy(known.code));
  return fail(Errc::io, "{}", message);
}

tl::unexpected<Error> unreadable(int result) {
  return fail(Errc::io, "fiefd's answer cannot be read: {}", dbus::errno_text(result));
}

}  // namespace

Result<Client> Client::connect() {
  sd_bus* bus = nullptr;
  if (const int result = sd_bus_open_system(&bus); result < 0)
    return fail(Errc::io, "cannot connect to the system bus: {}", dbus::errno_text(result));
  return Client(dbus::BusHandle(bus));
}

bool Client::daemon_runs() {
  const auto client = connect();
  return client && sd_bus_get_name_creds(client->bus_.get(), dbus::kService, 0, nullptr) >= 0;
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
    return failure(*bus_, error, result);
  return dbus::adopt(reply);
}

Result<std::string> Client::text(const char* method) {
  const auto reply = call(method);
  if (!reply)
    return tl::unexpected(reply.error());
  const char* text = nullptr;
  if (const int result = sd_bus_message_read(reply->get(), "s", &text); result < 0)
    return unreadable(result);
  return std::string(text);
}

Result<StatusView> Client::status() {
  const auto json = text("GetStatus");
  if (!json)
    return tl::unexpected(json.error());
  auto status = status_from_json(*json);
  if (!status)  // not the caller's input: Errc::invalid would blame that
    return fail(Errc::io, "{}", status.error().message);
  return status;
}

// The message closes its descriptor when it goes.
Result<UniqueFd> Client::descriptor(const char* method, const Append& append) {
  const auto reply = call(method, append);
  if (!reply)
    return tl::unexpected(reply.error());
  int lent = -1;
  if (const int result = sd_bus_message_read(reply->get(), "h", &lent); result < 0)
    return unreadable(result);
  UniqueFd own(fcntl(lent, F_DUPFD_CLOEXEC, 0));
  if (!own)
    return fail_errno(errno);
  return own;
}

Result<std::string> Client::text_by_descriptor() {
  return descriptor("DumpByFileDescriptor", {}).and_then([](const UniqueFd& text) {
    return read_all(text.get(), kMaxDump);
  });
}

Result<Client::Explanation> Client::explain(const std::string& subject) {
  const auto reply = call("Explain", [&subject](sd_bus_message& message) {
    return sd_bus_message_append(&message, "s", subject.c_str());
  });
  return reply ? read_explanation(*reply->get()) : tl::unexpected(reply.error());
}

Result<Client::Explanation> Client::preview_reload() {
  const auto reply = call("PreviewReload");
  return reply ? read_explanation(*reply->get()) : tl::unexpected(reply.error());
}

Result<Client::Explanation> Client::read_explanation(sd_bus_message& reply) {
  const char* text = nullptr;
  const char* json = nullptr;
  if (const int result = sd_bus_message_read(&reply, "ss", &text, &json); result < 0)
    return unreadable(result);
  return Explanation{text, json};
}

Status Client::change(const char* method, const Append& append) {
  if (const auto reply = call(method, append); !reply)
    return tl::unexpected(reply.error());
  return {};
}

}  // namespace fief::cli
