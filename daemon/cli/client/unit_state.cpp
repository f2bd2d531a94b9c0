// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client/unit_state.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string_view>

namespace fief::cli {
namespace {

constexpr char kManager[] = "org.freedesktop.systemd1";
constexpr char kUnit[] = "/org/freedesktop/systemd1/unit/fiefd_2eservice";
constexpr char kUnitInterface[] = "org.freedesktop.systemd1.Unit";
constexpr char kServiceInterface[] = "org.freedesktop.systemd1.Service";
// As the daemon begins the status text of its end (app/app.cpp).
constexpr std::string_view kVerdict = "failed: ";

// "" where nobody answers: no systemd, no such unit.
std::string property(sd_bus& bus, const char* interface, const char* name) {
  char* value = nullptr;
  if (sd_bus_get_property_string(&bus, kManager, kUnit, interface, name, nullptr, &value) < 0)
    return {};
  const std::unique_ptr<char, decltype(&std::free)> owned(value, &std::free);
  return value;
}

}  // namespace

std::string why_not_running(sd_bus& bus) {
  const auto state = property(bus, kUnitInterface, "ActiveState");
  auto text = property(bus, kServiceInterface, "StatusText");
  if (std::string_view(text).starts_with(kVerdict))
    text.erase(0, kVerdict.size());
  if (state == "failed")
    return fmt::format("fiefd cannot run{}{}; \"journalctl -xu fiefd\" explains it",
                       text.empty() ? "" : ": ", text);
  if (state == "activating")
    return fmt::format("fiefd is starting{}{}", text.empty() ? "" : ": ", text);
  return "fiefd is not running; start it with \"systemctl start fiefd\"";
}

}  // namespace fief::cli
