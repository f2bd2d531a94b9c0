// SPDX-License-Identifier: GPL-2.0-only
#include "control/plan/plan_cause.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace fief {
namespace {

// One machine-wide change can concern every cgroup there is; a sentence cannot.
constexpr std::size_t kMaxTold = 3;

using Participants = std::map<CgroupId, const Entitlement*>;

struct Difference {
  std::string path;
  std::string text;
};

Participants participants_of(const Plan& plan) {
  Participants all;
  for (const auto& level : plan.levels)
    for (const auto& participant : level.participants)
      if (participant.cgroup != kSelf)
        all.emplace(participant.cgroup, &participant.entitlement);
  return all;
}

// A plan that an earlier daemon left says who takes part and not why.
bool is_explained(const Entitlement& due) {
  return !due.chain.empty();
}

const std::string& path_of(const Entitlement& due) {
  return due.chain.back().path;
}

const WeightStep* step_of(const Entitlement& due, CgroupId cgroup) {
  for (const auto& step : due.chain)
    if (step.cgroup == cgroup)
      return &step;
  return nullptr;
}

// Everybody below a cgroup sees its weight: it is told once.
std::map<std::string, std::string> weights_that_differ(const Entitlement& before,
                                                       const Entitlement& now) {
  std::map<std::string, std::string> differing;
  for (const auto& step : now.chain) {
    const auto* old = step_of(before, step.cgroup);
    if (old != nullptr && old->weight != step.weight)
      differing.emplace(step.path, fmt::format("the weight of {} is {} and was {}", step.path,
                                               step.weight, old->weight));
  }
  return differing;
}

std::string in_cpus(const std::optional<CpuTime>& time) {
  return time ? format_cpus(*time) : "none";
}

void note_limit(const std::string& path, std::string_view what,
                const std::optional<CpuTime>& before, const std::optional<CpuTime>& now,
                std::vector<Difference>& differences) {
  if (before != now)
    differences.push_back({path, fmt::format("the {} of {} is {} and was {}", what, path,
                                             in_cpus(now), in_cpus(before))});
}

void note_limits(const Entitlement& before, const Entitlement& now,
                 std::vector<Difference>& differences) {
  const auto& path = path_of(now);
  note_limit(path, "minimum", before.min, now.min, differences);
  note_limit(path, "maximum", before.max, now.max, differences);
  note_limit(path, "cpu.max", before.limit, now.limit, differences);
  if (before.awake != now.awake)
    differences.push_back({path, fmt::format("{} {}", path, now.awake ? "is awake" : "sleeps")});
  if (before.cpuset != now.cpuset)
    differences.push_back({path, fmt::format("the cpuset of {} is another", path)});
}

// Those of @p these who are not among @p those.
void note_absent(const Participants& these, const Participants& those, std::string_view what,
                 std::vector<Difference>& differences) {
  for (const auto& [cgroup, due] : these)
    if (is_explained(*due) && !those.contains(cgroup))
      differences.push_back({path_of(*due), fmt::format("{} has {}", path_of(*due), what)});
}

std::vector<Difference> differences_of(const Participants& before, const Participants& now) {
  std::vector<Difference> differences;
  note_absent(now, before, "joined", differences);
  note_absent(before, now, "left", differences);
  std::map<std::string, std::string> weights;
  for (const auto& [cgroup, due] : now) {
    const auto old = before.find(cgroup);
    if (old == before.end() || !is_explained(*old->second) || !is_explained(*due))
      continue;
    weights.merge(weights_that_differ(*old->second, *due));
    note_limits(*old->second, *due, differences);
  }
  for (const auto& [path, text] : weights)
    differences.push_back({path, text});
  return differences;
}

CidSet held_by_root(const Plan& plan) {
  const auto* root = plan.find_level(kSelf);
  return root == nullptr ? CidSet{} : root->held;
}

// Who runs beside the delegated cgroups counts as well, though no plan names it: @p sum is of those
// with processes, or of those who want to run.
bool competitors_differ(const Participants& before, const Participants& now,
                        std::uint64_t WeightStep::* sum) {
  for (const auto& [cgroup, due] : now) {
    const auto old = before.find(cgroup);
    for (const auto& step : due->chain)
      if (const auto* was = old == before.end() ? nullptr : step_of(*old->second, step.cgroup);
          was != nullptr && was->*sum != step.*sum)
        return true;
  }
  return false;
}

PlanCause told(const std::vector<Difference>& differences) {
  PlanCause cause{.text = {}, .cgroup = differences.front().path};
  std::vector<std::string> texts;
  for (const auto& [path, text] : differences) {
    if (path != cause.cgroup)
      cause.cgroup.clear();
    if (texts.size() < kMaxTold)
      texts.push_back(text);
  }
  cause.text = fmt::format("{}", fmt::join(texts, "; "));
  if (differences.size() > kMaxTold)
    cause.text += fmt::format("; and {} more", differences.size() - kMaxTold);
  return cause;
}

}  // namespace

PlanCause cause_of(const Plan& before, const Plan& now) {
  if (before.levels.empty())
    return {.text = "it is the first", .cgroup = {}};
  const auto old = participants_of(before);
  const auto current = participants_of(now);
  auto differences = differences_of(old, current);
  if (held_by_root(before) != held_by_root(now))
    differences.push_back({"", "other CPUs are there"});
  if (!differences.empty())
    return told(differences);
  if (competitors_differ(old, current, &WeightStep::sibling_weights))
    return {.text = "what runs beside them weighs more or less", .cgroup = {}};
  if (competitors_differ(old, current, &WeightStep::awake_weights))
    return {.text = "more or less of what runs beside them wants to run", .cgroup = {}};
  return {};
}

}  // namespace fief
