// SPDX-License-Identifier: GPL-2.0-only
#include "api/log_control.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "core/log.hpp"

namespace fief::dbus {
namespace {

constexpr char kLogControlPath[] = "/org/freedesktop/LogControl1";
constexpr char kLogControlInterface[] = "org.freedesktop.LogControl1";

struct LevelName {
  std::string_view name;
  log::Level level;
};
// syslog(3)'s. What is more urgent than an error is none of fiefd's, which leaves its errors.
constexpr std::array kLevelNames{
    LevelName{"debug", log::Level::debug},   LevelName{"info", log::Level::info},
    LevelName{"notice", log::Level::notice}, LevelName{"warning", log::Level::warning},
    LevelName{"err", log::Level::error},     LevelName{"crit", log::Level::error},
    LevelName{"alert", log::Level::error},   LevelName{"emerg", log::Level::error}};

int get_level(sd_bus* /*bus*/, const char* /*path*/, const char* /*interface*/,
              const char* /*property*/, sd_bus_message* reply, void* /*userdata*/,
              sd_bus_error* /*error*/) {
  const auto* named = std::ranges::find(kLevelNames, log::level(), &LevelName::level);
  return sd_bus_message_append(reply, "s", std::string(named->name).c_str());
}

int get_target(sd_bus* /*bus*/, const char* /*path*/, const char* /*interface*/,
               const char* /*property*/, sd_bus_message* reply, void* /*userdata*/,
               sd_bus_error* /*error*/) {
  return sd_bus_message_append(reply, "s", log::writes_to_journal() ? "journal" : "console");
}

int get_identifier(sd_bus* /*bus*/, const char* /*path*/, const char* /*interface*/,
                   const char* /*property*/, sd_bus_message* reply, void* /*userdata*/,
                   sd_bus_error* /*error*/) {
  return sd_bus_message_append(reply, "s", log::kIdentifier);
}

// A writable property must have one; set_level() has answered before sd-bus would call it.
int refuse_to_set(sd_bus* /*bus*/, const char* /*path*/, const char* /*interface*/,
                  const char* /*property*/, sd_bus_message* /*value*/, void* /*userdata*/,
                  sd_bus_error* error) {
  return sd_bus_error_set_const(error, SD_BUS_ERROR_ACCESS_DENIED, "the level is set otherwise");
}

// Properties.Set of LogLevel, before sd-bus sees it: its setters answer at once, and whoever asks
// has to be asked about first, which takes turns.
int set_level(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* interface = nullptr;
  const char* property = nullptr;
  const char* value = nullptr;
  if (sd_bus_message_is_method_call(request, "org.freedesktop.DBus.Properties", "Set") <= 0)
    return 0;
  if (const int result = sd_bus_message_read(request, "ss", &interface, &property); result < 0)
    return result;
  if (std::string_view(interface) != kLogControlInterface ||
      std::string_view(property) != "LogLevel")
    return sd_bus_message_rewind(request, 1) < 0 ? -EIO : 0;
  if (const int result = sd_bus_message_read(request, "v", "s", &value); result < 0)
    return result;
  const auto* named = std::ranges::find(kLevelNames, std::string_view(value), &LevelName::name);
  if (named == kLevelNames.end())
    return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "\"%s\" is no level of syslog(3)",
                             value);
  static_cast<Objects*>(userdata)->carry_out(
      *request, SetLogLevel{.level = named->level, .name = std::string(named->name)});
  return 1;
}

constexpr sd_bus_vtable kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_level, refuse_to_set, 0, 0),
    SD_BUS_PROPERTY("LogTarget", "s", get_target, 0, 0),
    SD_BUS_PROPERTY("SyslogIdentifier", "s", get_identifier, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END};

}  // namespace

Status add_log_control(sd_bus& bus, Objects& objects) {
  int result = sd_bus_add_object(&bus, nullptr, kLogControlPath, set_level, &objects);
  if (result >= 0)
    result = sd_bus_add_object_vtable(&bus, nullptr, kLogControlPath, kLogControlInterface, kVtable,
                                      nullptr);
  return checked(result, "cannot register the LogControl1 object");
}

}  // namespace fief::dbus
