// SPDX-License-Identifier: GPL-2.0-only
// The commands that need neither daemon nor privileges: check, plan, explain.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>

#include "api/json_values.hpp"
#include "cli/commands.hpp"
#include "cli/explain_document.hpp"
#include "cli/offline.hpp"
#include "cli/plan_document.hpp"
#include "cli/render.hpp"
#include "plan/explain.hpp"

namespace fief::cli {
namespace {

using json::Json;

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

int report_faults(const std::vector<PolicyFault>& faults, bool json) {
  if (json)
    print({{"schema", kPlanSchema}, {"valid", false}, {"faults", write(faults)}});
  else
    fmt::print(stderr, "{}\n", format_faults(faults));
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
    fmt::print(stderr, "fiefctl: {} is not there; planned as if it ran with weight {}\n", path,
               kDefaultWeight);
}

// As text or as a document, ended by a newline.
template <class Explanation>
Result<std::string> present(const Result<Explanation>& explanation, bool json) {
  if (!explanation)
    return tl::unexpected(explanation.error());
  return json ? json::to_text(to_document(*explanation), kIndent) + '\n' : to_text(*explanation);
}

Result<std::string> explain_path(const Offline& offline, const std::string& path, bool json) {
  const auto* node = offline.cgroups.find(path);
  if (node == nullptr)
    return fail(Errc::not_found, "there is no cgroup {}", path);
  return present(explain_cgroup(offline.plan, offline.input(), node->id), json);
}

Result<std::string> explain_cpu(const Offline& offline, const std::string& number, bool json) {
  std::uint32_t cpu = 0;
  const auto* end = number.data() + number.size();
  if (const auto parsed = std::from_chars(number.data(), end, cpu);
      parsed.ec != std::errc{} || parsed.ptr != end)
    return fail(Errc::not_found, "\"{}\" is neither a cgroup's path nor a CPU's number", number);
  for (const auto& cid : offline.topology.cids)
    if (cid.cpu == cpu)
      return present(explain_cid(offline.plan, offline.input(), cid.cid), json);
  return fail(Errc::not_found, "there is no CPU {}", cpu);
}

}  // namespace

int check_command(const std::vector<std::string>& files, bool json) {
  const auto policy = files.empty() ? load_policy({}) : load_policy_files(files, FileTrust::any);
  if (!policy)
    return report_faults(policy.error(), json);
  if (json)
    print({{"schema", kPlanSchema}, {"valid", true}, {"faults", Json::array()}});
  else
    fmt::print("the policy is valid, delegations: {}\n", policy->delegations.size());
  return kDone;
}

int plan_command(const OfflineOptions& options, bool json) {
  const auto offline = plan_offline(options);
  if (!offline)
    return report_failure(offline.error(), json);
  mention_assumed(*offline);
  if (json)
    fmt::print("{}\n", to_json(offline->topology, offline->cgroups, offline->plan));
  else
    fmt::print("{}", render_plan(planned_status(*offline), detect_style()));
  return kDone;
}

int explain_command(const OfflineOptions& options, const std::string& subject, bool json) {
  const auto offline = plan_offline(options);
  if (!offline)
    return report_failure(offline.error(), json);
  mention_assumed(*offline);
  const auto text = subject.starts_with('/') ? explain_path(*offline, subject, json)
                                             : explain_cpu(*offline, subject, json);
  if (!text)
    return report(text.error(), json);
  fmt::print("{}", *text);
  return kDone;
}

}  // namespace fief::cli
