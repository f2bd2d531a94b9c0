// SPDX-License-Identifier: GPL-2.0-only
#include "api/change_methods.hpp"

#include <cerrno>
#include <utility>

#include "api/changed_values.hpp"
#include "api/vtables.hpp"
#include "backend/methods.hpp"
#include "fief/dbus_names.hpp"

namespace fief::dbus {
namespace {

int read_text(sd_bus_message& request, std::string& text) {
  const char* argument = nullptr;
  const int result = sd_bus_message_read(&request, "s", &argument);
  if (result >= 0)
    text = argument;
  return result;
}

// Reads flags of which there is one, @p flag; negative with @p error set if there are others.
int read_flag(sd_bus_message& request, std::uint64_t flag, bool& is_set, sd_bus_error* error) {
  std::uint64_t flags = 0;
  if (const int result = sd_bus_message_read(&request, "t", &flags); result < 0)
    return result;
  if ((flags & ~flag) != 0)
    return sd_bus_error_set_const(error, SD_BUS_ERROR_INVALID_ARGS, "there are unknown flags");
  is_set = flags != 0;
  return 0;
}

int read_lifetime(sd_bus_message& request, Lifetime& lifetime, sd_bus_error* error) {
  bool is_until_restart = false;
  const int result = read_flag(request, kFlagUntilRestart, is_until_restart, error);
  lifetime = is_until_restart ? Lifetime::until_restart : Lifetime::persistent;
  return result;
}

int read(sd_bus_message& request, ArgumentKind argument, MethodValues& values,
         sd_bus_error* error) {
  switch (argument) {
    case ArgumentKind::subject:
      return read_text(request, values.subject);
    case ArgumentKind::scheduler:
      return read_text(request, values.scheduler);
    case ArgumentKind::options:
      return read_options(request, values.options, error);
    case ArgumentKind::properties:
      return read_values(request, values.properties, error);
    case ArgumentKind::reason:
      return read_text(request, values.reason);
    case ArgumentKind::lifetime:
      return read_lifetime(request, values.lifetime, error);
    case ArgumentKind::from_scratch:
      return read_flag(request, kFlagFromScratch, values.from_scratch, error);
  }
  return -EINVAL;
}

}  // namespace

int change(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const auto* method = find_change_method(sd_bus_message_get_member(request));
  if (method == nullptr)
    return -EOPNOTSUPP;
  MethodValues values;
  for (const auto argument : method->arguments)
    if (const int result = read(*request, argument, values, error); result < 0)
      return result;
  auto operation = method->make(values);
  if (const auto sound = check(operation); !sound)
    return set_error(error, SD_BUS_ERROR_INVALID_ARGS, sound.error().message);
  static_cast<Objects*>(userdata)->carry_out(*request, std::move(operation));
  return 1;
}

}  // namespace fief::dbus
