// SPDX-License-Identifier: GPL-2.0-only
// What people see of the controller: its status, its plan, and why things are as they are.
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "control/controller.hpp"
#include "control/operations/subject.hpp"
#include "control/plan/compare.hpp"
#include "control/policy/tenancy.hpp"
#include "control/view/status.hpp"
#include "plan/explain.hpp"
#include "policy/find.hpp"
#include "status/explain_json.hpp"
#include "status/json_values.hpp"
#include "status/plan_document.hpp"

namespace fief {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

ExplanationTexts texts(const std::string& name, const std::string& why) {
  return {fmt::format("{}\n", why),
          json::to_text(json::Json{{"delegation", name}, {"waits", true}, {"why", why}})};
}

ExplanationTexts explain_absent(const Delegation& delegation, const CgroupTree& cgroups) {
  return texts(delegation.name,
               fmt::format("{} waits: there is no cgroup {} now{}", delegation.name,
                           delegation.cgroup, near_cgroup(cgroups, delegation.cgroup)));
}

// Of a cgroup that is to get a scheduler when it is older; empty: it is old enough, or not there.
std::string wait_for_age(const Delegation& delegation, const CgroupTree& cgroups,
                         const Children& children) {
  const auto* node = cgroups.find(delegation.cgroup);
  if (node == nullptr)
    return {};
  const auto wait = children.youth(delegation, node->id, std::chrono::steady_clock::now());
  return wait.count() == 0 ? std::string{}
                           : fmt::format("waits: {} ms until it is old enough", wait.count());
}

ExplanationTexts explain_pattern(const Delegation& pattern, const Policy& resolved) {
  std::vector<std::string> members;
  for (const auto& delegation : resolved.delegations)
    if (delegation.pattern == pattern.name)
      members.push_back(delegation.cgroup);
  return texts(pattern.name,
               fmt::format("{} is a pattern, which stands for {} cgroups now{}{}", pattern.name,
                           members.size(), members.empty() ? "" : ": ", fmt::join(members, ", ")));
}

}  // namespace

StatusView Controller::status(Figures figures) const {
  const auto& plan = reconciler_.plan();
  StatusSources sources{.policy = policy_.resolved(),
                        .cgroups = watcher_.tree(),
                        .plan = plan.plan(),
                        .observation = reconciler_.observation(),
                        .children = children_,
                        .why_less =
                            [this](const Delegation& delegation) {
                              auto young = wait_for_age(delegation, watcher_.tree(), children_);
                              return young.empty() ? reconciler_.concession(delegation) : young;
                            },
                        .usage = {},
                        .counters = {}};
  if (figures == Figures::read) {
    sources.counters = [this](CgroupId scheduler) {
      return kernel_.counters(scheduler).value_or(Counters{});
    };
    sources.usage = [this](const CgroupNode& node) -> std::optional<std::uint64_t> {
      const auto usage = read_usage_usec(cgroup_mount_, node.path, node.id);
      return usage ? std::optional(*usage) : std::nullopt;
    };
  }
  StatusView view;
  view.version = FIEF_VERSION;
  view.state = state_name();
  view.plan_number = plan.plan().number;
  if (reconciler_.observation().root_enabled)
    view.places = kernel_.topology().cids;
  for (const auto& cid : view.places)
    view.cpu_of_cid.push_back(cid.cpu);
  view.nr_cpus = static_cast<std::uint32_t>(view.cpu_of_cid.size());
  view.as_planned = reconciler_.as_planned();
  view.policy_file = policy_.names();
  view.policy_error = policy_.error();
  view.reactions = reactions_.times();
  view.schedulers = scheduler_views(sources);
  view.schedulers.front().last_error = cgroups_.is_lost()                ? cgroups_.failure()
                                       : !plan.shortfall().empty()       ? plan.shortfall()
                                       : !policy_.root_refusal().empty() ? policy_.root_refusal()
                                                                         : root_.last_error();
  return view;
}

// By the cgroup that the request will mean when it is carried out, which is at once.
Status Controller::check_tenant(const OwnersWish& wish, uid_t uid) const {
  auto meant = wish;
  if (find_delegation(policy_.resolved(), wish.subject) == nullptr)
    meant.subject = path_meant(wish.subject, watcher_.tree());
  return fief::check_tenant(policy_.resolved(), policy_.layers(), meant, uid, owner_of_);
}

CgroupOwner Controller::owner_of_directory() const {
  return [this](const std::string& path) -> Result<uid_t> {
    const auto* node = watcher_.tree().find(path);
    if (node == nullptr)
      return fail(Errc::not_found, "there is no cgroup {}", path);
    return read_owner(cgroup_mount_, path, node->id);
  };
}

std::string Controller::state_name() const {
  if (root_.is_stopped())
    return "stopping";
  if (!root_.was_ready())
    return "starting";
  return is_degraded() ? "degraded" : "running";
}

bool Controller::is_degraded() const {
  return !root_.is_running() || cgroups_.is_lost() || !policy_.error().empty() ||
         !reconciler_.plan().shortfall().empty() || !policy_.root_refusal().empty() ||
         !delegations_in_force();
}

Status Controller::delegations_in_force() const {
  return in_force(/*subject=*/nullptr, policy_.resolved(), watcher_.tree(), children_);
}

std::string Controller::plan() const {
  const auto& plan = reconciler_.plan().plan();
  return to_json(kernel_.topology(), cgroups_of(plan, watcher_.tree()), plan);
}

std::optional<ExplanationTexts> Controller::explain_waiting(const std::string& subject) const {
  if (is_number(subject))
    return std::nullopt;
  if (const auto* known = find_delegation(policy_.resolved(), subject)) {
    if (watcher_.tree().find(known->cgroup) == nullptr)
      return explain_absent(*known, watcher_.tree());
    const auto young = wait_for_age(*known, watcher_.tree(), children_);
    return young.empty()
               ? std::nullopt
               : std::optional(texts(known->name, fmt::format("{} {} (min_age_ms {})", known->name,
                                                              young, known->min_age.count())));
  }
  for (const auto& pattern : policy_.written().patterns)
    if (pattern.delegation.name == subject)
      return explain_pattern(pattern.delegation, policy_.resolved());
  return std::nullopt;
}

// A number is a CPU, whatever delegations are called.
Result<std::string> Controller::explained_path(const std::string& subject) const {
  if (is_number(subject))
    return subject;
  const auto* known = find_delegation(policy_.resolved(), subject);
  auto path = known != nullptr ? known->cgroup : path_meant(subject, watcher_.tree());
  if (!path.starts_with('/'))
    return fail(Errc::not_found,
                "\"{}\" is neither a cgroup's path, nor a unit that runs, nor a delegation, nor a "
                "CPU's number",
                subject);
  return path;
}

Result<ExplanationTexts> Controller::explain(const std::string& subject) const {
  const auto attached = attachments(reconciler_.observation());
  const PlanInput input{.topology = kernel_.topology(),
                        .cgroups = watcher_.tree(),
                        .policy = reconciler_.promises().policy,
                        .attachments = attached,
                        .previous = reconciler_.plan().previous()};
  if (auto waiting = explain_waiting(subject))
    return std::move(*waiting);
  const auto path = explained_path(subject);
  if (!path)
    return tl::unexpected(path.error());
  return fief::explain(reconciler_.plan().plan(), input, *path).map([](const Explanation& why) {
    return ExplanationTexts{to_text(why), json::to_text(json::write(why))};
  });
}

}  // namespace fief
