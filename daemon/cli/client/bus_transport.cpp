// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client/bus_transport.hpp"

#include <fcntl.h>

#include <cerrno>
#include <chrono>

#include "api/sdbus.hpp"
#include "cli/client/bus_values.hpp"
#include "cli/client/unit_state.hpp"
#include "cli/commands/monitor.hpp"
#include "fief/dbus_names.hpp"

namespace fief::cli {
namespace {

// For whoever may not.
std::string_view remedy(Errc code) {
  return code == Errc::denied ? "; run it as root, or where polkit can ask for your password" : "";
}

tl::unexpected<Error> failure(sd_bus& bus, const dbus::BusError& error, int result) {
  const auto name = error.name();
  if (name == SD_BUS_ERROR_SERVICE_UNKNOWN || name == SD_BUS_ERROR_NAME_HAS_NO_OWNER)
    return fail(Errc::not_found, "{}", why_not_running(bus));
  if (name == SD_BUS_ERROR_NO_REPLY || name == SD_BUS_ERROR_DISCONNECTED)
    return no_answer();
  const auto message =
      error.message().empty() ? dbus::errno_text(result) : std::string(error.message());
  const auto code = code_of(name);
  return fail(code, "{}{}", message, remedy(code));
}

Result<Answer> read_answer(sd_bus_message& reply) {
  const std::string_view signature = sd_bus_message_get_signature(&reply, 1);
  const char* text = "";
  const char* json = "";
  int result = 0;
  if (signature == "s")
    result = sd_bus_message_read(&reply, "s", &json);
  else if (!signature.empty())
    result = sd_bus_message_read(&reply, "ss", &text, &json);
  if (result < 0)
    return unreadable(dbus::errno_text(result));
  return Answer{text, json};
}

// The message closes its descriptor when it goes.
Result<UniqueFd> read_descriptor(sd_bus_message& reply) {
  int lent = -1;
  if (const int result = sd_bus_message_read(&reply, "h", &lent); result < 0)
    return unreadable(dbus::errno_text(result));
  UniqueFd own(fcntl(lent, F_DUPFD_CLOEXEC, 0));
  if (!own)
    return fail_errno(errno);
  return own;
}

class BusTransport final : public Transport {
 public:
  explicit BusTransport(dbus::BusHandle bus) : bus_(std::move(bus)) {}

  bool daemon_runs() override {
    return sd_bus_get_name_creds(bus_.get(), dbus::kService, 0, nullptr) >= 0;
  }
  Result<Answer> call(const std::string& method, const Arguments& arguments) override {
    return send(method, arguments).and_then([](const dbus::MessageRef& reply) {
      return read_answer(*reply);
    });
  }
  Result<UniqueFd> open(const std::string& method, const Arguments& arguments) override {
    return send(method, arguments).and_then([](const dbus::MessageRef& reply) {
      return read_descriptor(*reply);
    });
  }
  Status follow(const Listener& tell) override { return cli::follow(*bus_, tell); }

 private:
  Result<dbus::MessageRef> send(const std::string& method, const Arguments& arguments);

  dbus::BusHandle bus_;
};

Result<dbus::MessageRef> BusTransport::send(const std::string& method, const Arguments& arguments) {
  sd_bus_message* raw = nullptr;
  int result = sd_bus_message_new_method_call(bus_.get(), &raw, dbus::kService, dbus::kPath,
                                              dbus::kManagerInterface, method.c_str());
  const auto request = dbus::adopt(raw);
  if (result >= 0)
    result = append(*raw, arguments);
  dbus::BusError error;
  sd_bus_message* reply = nullptr;
  if (result >= 0) {
    // Looking at a service must not start it: that would change how the machine schedules.
    sd_bus_message_set_auto_start(raw, 0);
    sd_bus_message_set_allow_interactive_authorization(raw, 1);
    const std::chrono::microseconds patience = patience_for(method);
    result = sd_bus_call(bus_.get(), raw, static_cast<std::uint64_t>(patience.count()), error.out(),
                         &reply);
  }
  if (result < 0)
    return failure(*bus_, error, result);
  return dbus::adopt(reply);
}

}  // namespace

Result<std::unique_ptr<Transport>> connect_to_bus() {
  sd_bus* bus = nullptr;
  if (const int result = sd_bus_open_system(&bus); result < 0)
    return fail(Errc::io, "cannot connect to the system bus: {}", dbus::errno_text(result));
  return std::make_unique<BusTransport>(dbus::BusHandle(bus));
}

}  // namespace fief::cli
