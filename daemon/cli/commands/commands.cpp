// SPDX-License-Identifier: GPL-2.0-only
#include "cli/commands/commands.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "cli/client/client.hpp"
#include "cli/text/render.hpp"
#include "cli/text/waiting.hpp"
#include "core/printable.hpp"
#include "status/json_values.hpp"
#include "status/policy_json.hpp"
#include "status/view_json.hpp"

namespace fief::cli {
namespace {

constexpr int kIndent = 2;

void print(const json::Json& json) {
  fmt::print("{}\n", json::to_text(json, kIndent));
}

// With what is not there. A daemon that does not say what its policy is has a status all the same.
Result<StatusView> fetch_whole_status() {
  auto status = fetch_status();
  if (!status)
    return status;
  const auto policy =
      ask("GetPolicy").and_then([](const Answer& answer) { return policy_from_json(answer.json); });
  if (policy)
    add_waiting(*status, *policy);
  return status;
}

}  // namespace

int report(const Error& error, bool json) {
  if (json)
    print({{"schema", kStatusSchema}, {"done", false}, {"error", error.message}});
  fmt::print(stderr, "fiefctl: {}\n", printable_lines(error.message));
  return error.code == Errc::invalid || error.code == Errc::infeasible ? kBadPolicy : kFailed;
}

// What the daemon calls invalid is what was typed; what the kernel did not do (yet) is accepted.
int report_refusal(const Error& error, bool json) {
  const int status = report(error, json);
  switch (error.code) {
    case Errc::invalid:
      return kUsage;
    case Errc::kernel:
    case Errc::stale:
      return kNotAsPlanned;
    default:
      return status;
  }
}

int status_command(bool json, bool check) {
  const auto status = fetch_whole_status();
  if (!status)
    return report(status.error(), json);
  fmt::print("{}",
             json ? to_json(*status, kIndent) + '\n' : render_status(*status, detect_style()));
  return check && !status->as_planned ? kNotAsPlanned : kDone;
}

int tree_command(bool json) {
  const auto status = fetch_whole_status();
  if (!status)
    return report(status.error(), json);
  fmt::print("{}", json ? to_json(*status, kIndent) + '\n' : render_tree(*status, detect_style()));
  return kDone;
}

}  // namespace fief::cli
