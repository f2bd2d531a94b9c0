// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client/bus_values.hpp"

namespace fief::cli {
namespace {

int append_variant(sd_bus_message& message, const ChangedValue& value) {
  if (const auto* flag = std::get_if<bool>(&value))
    return sd_bus_message_append(&message, "v", "b", static_cast<int>(*flag));
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return sd_bus_message_append(&message, "v", "x", *number);
  if (const auto* real = std::get_if<double>(&value))
    return sd_bus_message_append(&message, "v", "d", *real);
  const auto* text = std::get_if<std::string>(&value);
  return sd_bus_message_append(&message, "v", "s", text != nullptr ? text->c_str() : "");
}

int append_entry(sd_bus_message& message, const std::string& key, const ChangedValue& value) {
  int result = sd_bus_message_open_container(&message, SD_BUS_TYPE_DICT_ENTRY, "sv");
  if (result >= 0)
    result = sd_bus_message_append(&message, "s", key.c_str());
  if (result >= 0)
    result = append_variant(message, value);
  return result < 0 ? result : sd_bus_message_close_container(&message);
}

int append_dictionary(sd_bus_message& message, const ChangedKeys& values) {
  int result = sd_bus_message_open_container(&message, SD_BUS_TYPE_ARRAY, "{sv}");
  for (const auto& [key, value] : values)
    if (result >= 0)
      result = append_entry(message, key, value);
  return result < 0 ? result : sd_bus_message_close_container(&message);
}

int append_value(sd_bus_message& message, const Argument& argument) {
  if (const auto* text = std::get_if<std::string>(&argument.value))
    return sd_bus_message_append(&message, "s", text->c_str());
  if (const auto* flags = std::get_if<std::uint64_t>(&argument.value))
    return sd_bus_message_append(&message, "t", *flags);
  return append_dictionary(message, std::get<ChangedKeys>(argument.value));
}

}  // namespace

int append(sd_bus_message& message, const Arguments& arguments) {
  int result = 0;
  for (const auto& argument : arguments)
    if (result >= 0)
      result = append_value(message, argument);
  return result;
}

}  // namespace fief::cli
