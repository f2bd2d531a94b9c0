// SPDX-License-Identifier: GPL-2.0-only
#include "cli/bus_values.hpp"

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

}  // namespace

int append_dictionary(sd_bus_message& message, const std::map<std::string, ChangedValue>& values) {
  int result = sd_bus_message_open_container(&message, SD_BUS_TYPE_ARRAY, "{sv}");
  for (const auto& [key, value] : values)
    if (result >= 0)
      result = append_entry(message, key, value);
  return result < 0 ? result : sd_bus_message_close_container(&message);
}

int append_dictionary(sd_bus_message& message, const Options& options) {
  std::map<std::string, ChangedValue> values;
  for (const auto& [name, option] : options)
    values.emplace(name, std::visit([](const auto& plain) { return ChangedValue(plain); }, option));
  return append_dictionary(message, values);
}

}  // namespace fief::cli
