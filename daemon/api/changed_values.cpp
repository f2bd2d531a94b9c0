// SPDX-License-Identifier: GPL-2.0-only
#include "api/changed_values.hpp"

#include <cerrno>
#include <limits>
#include <optional>
#include <utility>

#include "api/sdbus.hpp"

namespace fief::dbus {
namespace {

template <class T>
std::optional<T> read_basic(sd_bus_message& message, char type) {
  T value{};
  return sd_bus_message_read_basic(&message, type, static_cast<void*>(&value)) > 0
             ? std::optional(value)
             : std::nullopt;
}

template <class T>
std::optional<ChangedValue> read_whole(sd_bus_message& message, char type) {
  const auto value = read_basic<T>(message, type);
  if (!value || !std::in_range<std::int64_t>(*value))
    return std::nullopt;
  return ChangedValue(static_cast<std::int64_t>(*value));
}

std::optional<ChangedValue> read_value(sd_bus_message& message, char type) {
  const auto changed = [](const auto& value) { return ChangedValue(value); };
  switch (type) {
    case SD_BUS_TYPE_BOOLEAN:
      if (const auto flag = read_basic<int>(message, type))
        return ChangedValue(*flag != 0);
      return std::nullopt;
    case SD_BUS_TYPE_INT32:
      return read_whole<std::int32_t>(message, type);
    case SD_BUS_TYPE_UINT32:
      return read_whole<std::uint32_t>(message, type);
    case SD_BUS_TYPE_INT64:
      return read_whole<std::int64_t>(message, type);
    case SD_BUS_TYPE_UINT64:
      return read_whole<std::uint64_t>(message, type);
    case SD_BUS_TYPE_DOUBLE:
      if (const auto real = read_basic<double>(message, type))
        return changed(*real);
      return std::nullopt;
    case SD_BUS_TYPE_STRING:
      if (const auto text = read_basic<const char*>(message, type))
        return changed(std::string(*text));
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

int refuse(sd_bus_error* error, const char* key) {
  return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                           "the value of \"%s\" is no boolean, number of 63 bits or string", key);
}

// One {sv}, entered.
int read_entry(sd_bus_message& message, ChangedKeys& values, sd_bus_error* error) {
  const char* key = nullptr;
  const char* type = nullptr;
  if (const int result = sd_bus_message_read(&message, "s", &key); result < 0)
    return result;
  if (const int result = sd_bus_message_peek_type(&message, nullptr, &type); result < 0)
    return result;
  if (std::string_view(type).size() != 1)
    return refuse(error, key);
  const std::string signature = type;
  if (const int result =
          sd_bus_message_enter_container(&message, SD_BUS_TYPE_VARIANT, signature.c_str());
      result < 0)
    return result;
  const auto value = read_value(message, signature.front());
  if (!value)
    return refuse(error, key);
  values.insert_or_assign(key, *value);
  return sd_bus_message_exit_container(&message);
}

}  // namespace

int read_values(sd_bus_message& message, ChangedKeys& values, sd_bus_error* error) {
  int result = sd_bus_message_enter_container(&message, SD_BUS_TYPE_ARRAY, "{sv}");
  while (result >= 0) {
    result = sd_bus_message_enter_container(&message, SD_BUS_TYPE_DICT_ENTRY, "sv");
    if (result == 0)
      return sd_bus_message_exit_container(&message);
    if (result > 0)
      result = read_entry(message, values, error);
    if (result >= 0)
      result = sd_bus_message_exit_container(&message);
  }
  return result;
}

int read_options(sd_bus_message& message, Options& options, sd_bus_error* error) {
  ChangedKeys values;
  if (const int result = read_values(message, values, error); result < 0)
    return result;
  auto read = to_options(values);
  if (!read)
    return set_error(error, SD_BUS_ERROR_INVALID_ARGS, read.error().message);
  options = std::move(*read);
  return 0;
}

}  // namespace fief::dbus
