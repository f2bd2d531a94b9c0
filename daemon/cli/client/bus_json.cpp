// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client/bus_json.hpp"

#include <string>

namespace fief::cli {
namespace {

using json::Json;

tl::unexpected<Error> unreadable() {
  return fail(Errc::io, "a message of the daemon cannot be read");
}

template <class T>
Result<Json> read_basic(sd_bus_message& message, char type) {
  T value{};
  if (sd_bus_message_read_basic(&message, type, static_cast<void*>(&value)) <= 0)
    return unreadable();
  if (type == SD_BUS_TYPE_BOOLEAN)
    return Json(static_cast<bool>(value));
  return Json(value);
}

std::string key_text(const Json& key) {
  return key.is_string() ? key.get<std::string>() : key.dump();
}

// The entries of a container that has been entered, up to its end.
template <class Add>
Status read_all(sd_bus_message& message, Add add) {
  while (sd_bus_message_at_end(&message, 0) == 0) {
    auto value = read_json(message);
    if (!value)
      return tl::unexpected(value.error());
    add(std::move(*value));
  }
  return {};
}

Result<Json> read_container(sd_bus_message& message, char type, const char* contents) {
  const std::string inner = contents;  // entering moves what it points to
  if (sd_bus_message_enter_container(&message, type, inner.c_str()) < 0)
    return unreadable();
  Json value = inner.starts_with('{') ? Json::object() : Json::array();
  const auto status = read_all(message, [&](Json entry) {
    if (inner.starts_with('{'))
      value[key_text(entry.at(0))] = std::move(entry.at(1));
    else
      value.push_back(std::move(entry));
  });
  if (!status || sd_bus_message_exit_container(&message) < 0)
    return unreadable();
  return type == SD_BUS_TYPE_VARIANT ? std::move(value.at(0)) : std::move(value);
}

}  // namespace

Result<Json> read_json(sd_bus_message& message) {
  char type = 0;
  const char* contents = nullptr;
  if (sd_bus_message_peek_type(&message, &type, &contents) <= 0)
    return unreadable();
  switch (type) {
    case SD_BUS_TYPE_BOOLEAN:
      return read_basic<int>(message, type);
    case SD_BUS_TYPE_BYTE:
      return read_basic<std::uint8_t>(message, type);
    case SD_BUS_TYPE_INT32:
      return read_basic<std::int32_t>(message, type);
    case SD_BUS_TYPE_UINT32:
      return read_basic<std::uint32_t>(message, type);
    case SD_BUS_TYPE_INT64:
      return read_basic<std::int64_t>(message, type);
    case SD_BUS_TYPE_UINT64:
      return read_basic<std::uint64_t>(message, type);
    case SD_BUS_TYPE_DOUBLE:
      return read_basic<double>(message, type);
    case SD_BUS_TYPE_STRING:
    case SD_BUS_TYPE_OBJECT_PATH:
      return read_basic<const char*>(message, type);
    case SD_BUS_TYPE_ARRAY:
    case SD_BUS_TYPE_STRUCT:
    case SD_BUS_TYPE_DICT_ENTRY:
    case SD_BUS_TYPE_VARIANT:
      return read_container(message, type, contents);
    default:
      return unreadable();
  }
}

}  // namespace fief::cli
