// SPDX-License-Identifier: GPL-2.0-only
// The commands that change something in the running daemon.
#include <fmt/format.h>

#include "cli/assignments.hpp"
#include "cli/bus_values.hpp"
#include "cli/client.hpp"
#include "cli/commands.hpp"
#include "fief/dbus_names.hpp"
#include "status/json_values.hpp"
#include "status/view_json.hpp"

namespace fief::cli {
namespace {

std::uint64_t flags_of(bool until_restart) {
  return until_restart ? dbus::kFlagUntilRestart : 0;
}

int request(const char* method, bool json, const Client::Append& append) {
  auto client = Client::connect();
  const auto done = client ? client->change(method, append) : tl::unexpected(client.error());
  if (!done)
    return report_refusal(done.error(), json);
  if (json)
    fmt::print("{}\n", json::to_text({{"schema", kStatusSchema}, {"done", true}}, 2));
  return kDone;
}

}  // namespace

int set_command(const ChangeOptions& options, const std::vector<std::string>& assignments) {
  const auto keys = parse_assignments(assignments);
  if (!keys)
    return report_refusal(keys.error(), options.json);
  return request("SetProperties", options.json, [&](sd_bus_message& message) {
    int result = sd_bus_message_append(&message, "s", options.subject.c_str());
    if (result >= 0)
      result = append_dictionary(message, *keys);
    return result < 0 ? result
                      : sd_bus_message_append(&message, "t", flags_of(options.until_restart));
  });
}

int attach_command(const ChangeOptions& options, const std::string& scheduler,
                   const std::vector<std::string>& scheduler_options) {
  const auto keys = parse_options(scheduler_options);
  if (!keys)
    return report_refusal(keys.error(), options.json);
  return request("Attach", options.json, [&](sd_bus_message& message) {
    int result = sd_bus_message_append(&message, "ss", options.subject.c_str(), scheduler.c_str());
    if (result >= 0)
      result = append_dictionary(message, *keys);
    return result < 0 ? result
                      : sd_bus_message_append(&message, "t", flags_of(options.until_restart));
  });
}

int detach_command(const ChangeOptions& options) {
  return request("Detach", options.json, [&](sd_bus_message& message) {
    return sd_bus_message_append(&message, "st", options.subject.c_str(),
                                 flags_of(options.until_restart));
  });
}

int revert_command(const ChangeOptions& options) {
  return request("Revert", options.json, [&](sd_bus_message& message) {
    return sd_bus_message_append(&message, "s", options.subject.c_str());
  });
}

int kill_command(const ChangeOptions& options, const std::string& reason) {
  return request("Kill", options.json, [&](sd_bus_message& message) {
    return sd_bus_message_append(&message, "ss", options.subject.c_str(), reason.c_str());
  });
}

int replan_command(bool json, bool from_scratch) {
  return request("Replan", json, [&](sd_bus_message& message) {
    return sd_bus_message_append(&message, "t", from_scratch ? dbus::kFlagFromScratch : 0UL);
  });
}

int leave_command(bool json) {
  return request("Leave", json, [](sd_bus_message& /*message*/) { return 0; });
}

int reload_command(bool json) {
  return request("Reload", json, [](sd_bus_message& /*message*/) { return 0; });
}

}  // namespace fief::cli
