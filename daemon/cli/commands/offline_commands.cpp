// SPDX-License-Identifier: GPL-2.0-only
// The commands that need neither daemon nor privileges: check, pods, plan, explain.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "cli/commands/commands.hpp"
#include "cli/offline/check.hpp"
#include "cli/offline/offline.hpp"
#include "cli/offline/pods.hpp"
#include "cli/text/cpu_map.hpp"
#include "cli/text/render.hpp"
#include "core/printable.hpp"
#include "kernel/object_directory.hpp"
#include "plan/explain.hpp"
#include "policy/find.hpp"
#include "status/explain_json.hpp"
#include "status/plan_document.hpp"

namespace fief::cli {
namespace {

using json::Json;
using json::kPlanSchema;

constexpr int kIndent = 2;

void print(const Json& json) {
  fmt::print("{}\n", json::to_text(json, kIndent));
}

Json write(const std::vector<PolicyFault>& faults) {
  auto list = Json::array();
  for (const auto& fault : faults)
    list.push_back({{"file", fault.file},
                    {"line", fault.line},
                    {"column", fault.column},
                    {"pointer", fault.pointer},
                    {"message", fault.message}});
  return list;
}

Json write(const std::vector<LeftOut>& left_out) {
  auto list = Json::array();
  for (const auto& [file, line, name, why] : left_out)
    list.push_back({{"file", file}, {"line", line}, {"delegation", name}, {"why", why}});
  return list;
}

void print_valid(const Checked& checked) {
  const auto& policy = checked.policy;
  fmt::print("the policy is valid, delegations: {}, patterns: {}\n", policy.delegations.size(),
             policy.patterns.size());
  for (const auto& left_out : policy.left_out)
    fmt::print("{}\n", printable_lines(format_left_out(left_out)));
  for (const auto& warning : checked.warnings)
    fmt::print(stderr, "warning: {}\n", printable_lines(format_fault(warning)));
}

int report_faults(const std::vector<PolicyFault>& faults, bool json) {
  if (json)
    print({{"schema", kPlanSchema}, {"valid", false}, {"faults", write(faults)}});
  else
    fmt::print(stderr, "{}\n", printable_lines(format_faults(faults)));
  return kBadPolicy;
}

// Whatever else than the policy is invalid was given on the command line.
int report_failure(const OfflineFailure& failure, bool json) {
  if (const auto* faults = std::get_if<std::vector<PolicyFault>>(&failure))
    return report_faults(*faults, json);
  const auto& error = std::get<Error>(failure);
  const int status = report(error, json);
  return error.code == Errc::invalid ? kUsage : status;
}

void mention_assumed(const Offline& offline) {
  for (const auto& path : offline.assumed)
    fmt::print(stderr, "fiefctl: {} is not there; planned as if it ran with weight {}\n",
               printable(path), kDefaultWeight);
  for (const auto& [pattern, paths] : offline.members)
    fmt::print(stderr,
               "fiefctl: \"{}\" is planned with {} more than match now, each with weight {}: {}\n",
               pattern, paths.size() == 1 ? "one member" : fmt::format("{} members", paths.size()),
               kDefaultWeight, printable(fmt::format("{}", fmt::join(paths, ", "))));
  if (!offline.held_back.empty())
    fmt::print(stderr, "fiefctl: not all fits, so the rest is planned without {}: {}\n",
               printable(fmt::format("{}", fmt::join(offline.held_back, ", "))),
               printable(offline.shortfall));
}

Status write_file(const std::string& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream)
    return fail(Errc::io, "{}: cannot be written", file);
  return {};
}

// A delegation goes by its name as well, a pattern by its first member. A number is a CPU.
std::string path_of(const Offline& offline, const std::string& subject) {
  const bool is_number = subject.find_first_not_of("0123456789") == std::string::npos;
  if (is_number || subject.starts_with('/'))
    return subject;
  if (const auto* known = find_delegation(offline.policy, subject))
    return known->cgroup;
  const auto& delegations = offline.policy.delegations;
  const auto member = std::ranges::find(delegations, subject, &Delegation::pattern);
  return member == delegations.end() ? subject : member->cgroup;
}

}  // namespace

int check_command(const CheckOptions& options, const std::string& bpf_dir, bool json) {
  const auto checked = check_policy(options, options_in_directory(bpf_dir));
  if (!checked)
    return report_failure(checked.error(), json);
  if (!checked->faults.empty())
    return report_faults(checked->faults, json);
  if (json)
    print({{"schema", kPlanSchema},
           {"valid", true},
           {"faults", Json::array()},
           {"warnings", write(checked->warnings)},
           {"left_out", write(checked->policy.left_out)}});
  else
    print_valid(*checked);
  return kDone;
}

int pods_command(const std::vector<std::string>& classes) {
  const std::string listing{std::istreambuf_iterator<char>(std::cin), {}};
  const auto made = pods_drop_in(listing, classes);
  if (!made)
    return report(made.error(), false);
  for (const auto& passed_by : made->passed_by)
    fmt::print(stderr, "fiefctl: {}\n", printable(passed_by));
  fmt::print("{}", made->text);
  return kDone;
}

int plan_command(const OfflineOptions& options, const std::string& svg, bool json) {
  const auto offline = plan_offline(options);
  if (!offline)
    return report_failure(offline.error(), json);
  mention_assumed(*offline);
  const auto map = make_cpu_map(offline->topology, offline->cgroups, offline->plan);
  if (!svg.empty())
    if (const auto written = write_file(svg, render_svg(map)); !written)
      return report(written.error(), json);
  if (json) {
    fmt::print("{}\n", to_json(offline->topology, offline->cgroups, offline->plan, kIndent));
    return kDone;
  }
  const auto style = detect_style();
  fmt::print("{}\n{}", render_plan(planned_status(*offline), style), render_map(map, style));
  return kDone;
}

int explain_command(const OfflineOptions& options, const std::string& subject, bool json) {
  const auto offline = plan_offline(options);
  if (!offline)
    return report_failure(offline.error(), json);
  mention_assumed(*offline);
  const auto explanation = explain(offline->plan, offline->input(), path_of(*offline, subject));
  if (!explanation)
    return report(explanation.error(), json);
  if (json)
    print(json::write(*explanation));
  else
    fmt::print("{}", printable_lines(to_text(*explanation)));
  return kDone;
}

}  // namespace fief::cli
