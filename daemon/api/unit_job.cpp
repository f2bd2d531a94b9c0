// SPDX-License-Identifier: GPL-2.0-only
#include "api/unit_job.hpp"

#include <systemd/sd-login.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <utility>

namespace fief::dbus {
namespace {

constexpr std::chrono::seconds kTimeout{2};
constexpr char kSystemd[] = "org.freedesktop.systemd1";
constexpr char kUnits[] = "/org/freedesktop/systemd1/unit";

struct Freed {
  void operator()(char* text) const { std::free(text); }  // NOLINT(cppcoreguidelines-no-malloc)
};
using Text = std::unique_ptr<char, Freed>;

/// Object path of this process's unit; nothing if it has none.
Text own_unit() {
  char* name = nullptr;
  if (sd_pid_get_unit(0, &name) < 0)
    return {};
  const Text unit(name);
  char* path = nullptr;
  return Text(sd_bus_path_encode(kUnits, unit.get(), &path) < 0 ? nullptr : path);
}

MessageRef get_property(sd_bus& bus, const char* path, const char* interface, const char* name) {
  sd_bus_message* call = nullptr;
  if (sd_bus_message_new_method_call(&bus, &call, kSystemd, path, "org.freedesktop.DBus.Properties",
                                     "Get") < 0)
    return {};
  auto get = adopt(call);
  if (sd_bus_message_append(get.get(), "ss", interface, name) < 0)
    return {};
  return get;
}

/// "v" with a job's number and object path; "" for no job.
std::string read_job(sd_bus_message& reply) {
  std::uint32_t number = 0;
  const char* path = nullptr;
  if (sd_bus_message_is_method_error(&reply, nullptr) > 0 ||
      sd_bus_message_enter_container(&reply, SD_BUS_TYPE_VARIANT, "(uo)") < 0 ||
      sd_bus_message_read(&reply, "(uo)", &number, &path) < 0 || number == 0)
    return {};
  return path;
}

std::string read_type(sd_bus_message& reply) {
  const char* type = nullptr;
  if (sd_bus_message_is_method_error(&reply, nullptr) > 0 ||
      sd_bus_message_read(&reply, "v", "s", &type) < 0)
    return {};
  return type;
}

}  // namespace

void ask_unit_job(sd_bus& bus, PendingCalls& calls,
                  const std::function<void(const std::string&)>& then) {
  const auto unit = own_unit();
  const auto call =
      unit ? get_property(bus, unit.get(), "org.freedesktop.systemd1.Unit", "Job") : MessageRef{};
  const auto on_job = [&bus, &calls, then](sd_bus_message& reply) {
    const auto job = read_job(reply);
    const auto next =
        job.empty() ? MessageRef{}
                    : get_property(bus, job.c_str(), "org.freedesktop.systemd1.Job", "JobType");
    const auto on_type = [then](sd_bus_message& answer) { then(read_type(answer)); };
    if (!next || calls.send(*next, kTimeout, on_type) < 0)
      then({});
  };
  if (!call || calls.send(*call, kTimeout, on_job) < 0)
    then({});
}

}  // namespace fief::dbus
