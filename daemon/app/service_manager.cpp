// SPDX-License-Identifier: GPL-2.0-only
#include "app/service_manager.hpp"

#include <systemd/sd-login.h>

#include <boost/asio/post.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/sdbus.hpp"

namespace fief {
namespace {

using dbus::BusHandle;

/// systemctl(1) uses it as root; there, systemd is the only peer and has no name.
constexpr char kSocket[] = "unix:path=/run/systemd/private";
constexpr char kSystemd[] = "org.freedesktop.systemd1";
constexpr char kUnits[] = "/org/freedesktop/systemd1/unit";
constexpr std::uint64_t kTimeoutUsec = 2'000'000;

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

BusHandle connect_to_systemd() {
  sd_bus* made = nullptr;
  if (sd_bus_new(&made) < 0)
    return {};
  BusHandle bus(made);
  if (sd_bus_set_address(bus.get(), kSocket) < 0 || sd_bus_start(bus.get()) < 0)
    return {};
  return bus;
}

BusHandle connect_to_bus() {
  sd_bus* made = nullptr;
  return BusHandle(sd_bus_open_system(&made) < 0 ? nullptr : made);
}

dbus::MessageRef property(sd_bus& bus, const char* path, const char* interface, const char* name,
                          const char* type) {
  dbus::BusError error;
  sd_bus_message* reply = nullptr;
  if (sd_bus_get_property(&bus, kSystemd, path, interface, name, error.out(), &reply, type) < 0)
    return {};
  return dbus::adopt(reply);
}

/// Type of the job that the unit of this process has, such as "stop" or "restart"
/// (org.freedesktop.systemd1(5)); "": it has none. Nothing: no answer.
std::optional<std::string> job_type(BusHandle bus, const char* unit) {
  if (!bus)
    return std::nullopt;
  sd_bus_set_method_call_timeout(bus.get(), kTimeoutUsec);
  const auto job = property(*bus, unit, "org.freedesktop.systemd1.Unit", "Job", "(uo)");
  std::uint32_t number = 0;
  const char* path = nullptr;
  if (!job || sd_bus_message_read(job.get(), "(uo)", &number, &path) < 0)
    return std::nullopt;
  if (number == 0)
    return "";
  const auto type = property(*bus, path, "org.freedesktop.systemd1.Job", "JobType", "s");
  const char* text = nullptr;
  if (!type || sd_bus_message_read(type.get(), "s", &text) < 0)
    return std::nullopt;
  return text;
}

bool is_restarting() {
  const auto unit = own_unit();
  if (!unit)
    return false;
  auto type = job_type(connect_to_systemd(), unit.get());
  if (!type)
    type = job_type(connect_to_bus(), unit.get());
  return type == "restart" || type == "try-restart" || type == "reload-or-restart";
}

}  // namespace

void ServiceManager::ask_whether_restarting(std::function<void(bool)> then) {
  if (asks_.joinable())
    return;
  asks_ = std::jthread([&io = io_, then = std::move(then)] {
    boost::asio::post(io, [then, restarting = is_restarting()] { then(restarting); });
  });
}

}  // namespace fief
