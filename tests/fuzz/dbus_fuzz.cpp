// SPDX-License-Identifier: GPL-2.0-only
// Calls of any shape to the running service, over a bus of its own: every one is answered.
// An input is lines: object path, interface, method, then an argument each: its type and its value
// as text, such as "u42" or "s/demo.slice"; "ax,y" is an array of strings, "{weight=u5,lend=b1" a
// dictionary a{sv}.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.hpp"
#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"
#include "fief/dbus_names.hpp"

namespace {

namespace dbus = fief::dbus;

constexpr unsigned kForgetAfter = 1000;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parts;
}

template <class T>
int append_number(sd_bus_message& call, char type, std::string_view text) {
  T number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return sd_bus_message_append_basic(&call, type, static_cast<const void*>(&number));
}

int append_strings(sd_bus_message& call, std::string_view text) {
  int result = sd_bus_message_open_container(&call, SD_BUS_TYPE_ARRAY, "s");
  for (const auto& part : split(text, ','))
    if (result >= 0)
      result = sd_bus_message_append_basic(&call, SD_BUS_TYPE_STRING, part.c_str());
  return result < 0 ? result : sd_bus_message_close_container(&call);
}

int append(sd_bus_message& call, const std::string& argument);

int append_variant(sd_bus_message& call, const std::string& argument) {
  const std::string type(argument.substr(0, 1));
  int result = sd_bus_message_open_container(&call, SD_BUS_TYPE_VARIANT, type.c_str());
  if (result >= 0)
    result = append(call, argument);
  return result < 0 ? result : sd_bus_message_close_container(&call);
}

int append_entry(sd_bus_message& call, const std::string& entry) {
  const auto equals = std::min(entry.find('='), entry.size());
  int result = sd_bus_message_open_container(&call, SD_BUS_TYPE_DICT_ENTRY, "sv");
  if (result >= 0)
    result =
        sd_bus_message_append_basic(&call, SD_BUS_TYPE_STRING, entry.substr(0, equals).c_str());
  if (result >= 0)
    result = append_variant(call, entry.substr(std::min(equals + 1, entry.size())));
  return result < 0 ? result : sd_bus_message_close_container(&call);
}

int append_dictionary(sd_bus_message& call, std::string_view text) {
  int result = sd_bus_message_open_container(&call, SD_BUS_TYPE_ARRAY, "{sv}");
  for (const auto& entry : split(text, ','))
    if (result >= 0)
      result = append_entry(call, entry);
  return result < 0 ? result : sd_bus_message_close_container(&call);
}

/// Negative if D-Bus has no such argument.
int append(sd_bus_message& call, const std::string& argument) {
  if (argument.empty())
    return -EINVAL;
  const char type = argument.front();
  const std::string value = argument.substr(1);
  switch (type) {
    case SD_BUS_TYPE_STRING:
    case SD_BUS_TYPE_OBJECT_PATH:
    case SD_BUS_TYPE_SIGNATURE:
      return sd_bus_message_append_basic(&call, type, value.c_str());
    case SD_BUS_TYPE_BOOLEAN:
      return append_number<int>(call, type, value);
    case SD_BUS_TYPE_UINT32:
      return append_number<std::uint32_t>(call, type, value);
    case SD_BUS_TYPE_UINT64:
      return append_number<std::uint64_t>(call, type, value);
    case SD_BUS_TYPE_DOUBLE:
      return append_number<double>(call, type, value);
    case SD_BUS_TYPE_INT64:
      return append_number<std::int64_t>(call, type, value);
    case SD_BUS_TYPE_ARRAY:
      return append_strings(call, value);
    case '{':
      return append_dictionary(call, value);
    default:
      return -EINVAL;
  }
}

/// The call that the lines describe; nothing if D-Bus knows no such call.
dbus::MessageRef make_call(sd_bus& bus, const std::vector<std::string>& lines) {
  if (lines.size() < 3)
    return {};
  sd_bus_message* raw = nullptr;
  if (sd_bus_message_new_method_call(&bus, &raw, dbus::kService, lines[0].c_str(), lines[1].c_str(),
                                     lines[2].c_str()) < 0)
    return {};
  auto call = dbus::adopt(raw);
  for (std::size_t i = 3; i < lines.size(); ++i)
    if (append(*raw, lines[i]) < 0)
      return {};
  return call;
}

/// What the service has to say of each call is not what is looked for here.
class Silence : public fief::log::Sink {
 public:
  void write(const fief::log::Record& /*record*/) override {}
};

dbus::BusHandle connect() {
  sd_bus* opened = nullptr;
  if (sd_bus_open_system(&opened) < 0)
    std::abort();
  return dbus::BusHandle(opened);
}

struct Running {
  Running() { fief::log::set_sink(std::make_unique<Silence>()); }
  /// The backend remembers what it was asked; nobody looks.
  void forget() {
    service.on_loop([](fief::test::StateBackend& backend, fief::Service& /*service*/) {
      backend.requests.clear();
    });
  }

  fief::test::PrivateBus bus;
  fief::test::RunningService service;
  dbus::BusHandle connection = connect();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Running running;
  static unsigned calls = 0;
  if (++calls % kForgetAfter == 0)
    running.forget();
  auto& bus = *running.connection;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as text is the point
  const auto call = make_call(bus, split({reinterpret_cast<const char*>(data), size}, '\n'));
  if (call == nullptr)
    return -1;
  dbus::BusError error;
  sd_bus_message* answer = nullptr;
  const int result = sd_bus_call(&bus, call.get(), 0, error.out(), &answer);
  const auto owned = dbus::adopt(answer);
  // The bus itself throws out whoever sends what sd-bus took and D-Bus forbids ("0" as a method).
  if (error.name() == SD_BUS_ERROR_DISCONNECTED) {
    running.connection = connect();
    return -1;
  }
  // Another connection of root's has time of its own.
  if (error.name() == SD_BUS_ERROR_LIMITS_EXCEEDED)
    running.connection = connect();
  if (result >= 0 || (result != -ETIMEDOUT && error.name() != SD_BUS_ERROR_NO_REPLY))
    return 0;
  std::cerr << "no answer: " << error.name() << ' ' << error.message() << '\n';
  std::abort();
}
