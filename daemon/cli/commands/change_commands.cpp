// SPDX-License-Identifier: GPL-2.0-only
// The commands that change something in the running daemon.
#include <fmt/format.h>

#include "cli/client/client.hpp"
#include "cli/commands/assignments.hpp"
#include "cli/commands/commands.hpp"
#include "fief/dbus_names.hpp"
#include "status/json_values.hpp"
#include "status/view_json.hpp"

namespace fief::cli {
namespace {

Argument subject_of(const ChangeOptions& options) {
  return {"delegation", options.subject};
}

Argument flags_of(const ChangeOptions& options) {
  return {"flags", options.until_restart ? dbus::kFlagUntilRestart : std::uint64_t{0}};
}

int request(const char* method, bool json, const Arguments& arguments = {}) {
  if (const auto done = ask(method, arguments); !done)
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
  return request("SetProperties", options.json,
                 {subject_of(options), {"properties", *keys}, flags_of(options)});
}

int attach_command(const ChangeOptions& options, const std::string& scheduler,
                   const std::vector<std::string>& scheduler_options) {
  const auto keys = parse_options(scheduler_options);
  if (!keys)
    return report_refusal(keys.error(), options.json);
  return request(
      "Attach", options.json,
      {subject_of(options), {"scheduler", scheduler}, {"options", *keys}, flags_of(options)});
}

int detach_command(const ChangeOptions& options) {
  return request("Detach", options.json, {subject_of(options), flags_of(options)});
}

int revert_command(const ChangeOptions& options) {
  return request("Revert", options.json, {subject_of(options)});
}

int kill_command(const ChangeOptions& options, const std::string& reason) {
  return request("Kill", options.json, {subject_of(options), {"reason", reason}});
}

int replan_command(bool json, bool from_scratch) {
  return request("Replan", json,
                 {{"flags", from_scratch ? dbus::kFlagFromScratch : std::uint64_t{0}}});
}

int leave_command(bool json) {
  return request("Leave", json);
}

int reload_command(bool json) {
  return request("Reload", json);
}

}  // namespace fief::cli
