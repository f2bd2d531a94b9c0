// SPDX-License-Identifier: GPL-2.0-only
#include "status/reload_preview.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>

#include "status/json_values.hpp"

namespace fief {
namespace {

using json::Json;
using Value = decltype(ShownValue::value);

constexpr int kSchema = 1;

const Value* find_value(const std::vector<ShownValue>& values, const std::string& key) {
  const auto found = std::ranges::find(values, key, &ShownValue::key);
  return found == values.end() ? nullptr : &found->value;
}

// Options are listed only where they are set.
std::vector<ChangedKey> compare_values(const std::vector<ShownValue>& before,
                                       const std::vector<ShownValue>& after) {
  std::vector<ChangedKey> changed;
  for (const auto& value : before) {
    const auto* now = find_value(after, value.key);
    if (now == nullptr || *now != value.value)
      changed.push_back({value.key, value.value, now == nullptr ? Value{} : *now});
  }
  for (const auto& value : after)
    if (find_value(before, value.key) == nullptr)
      changed.push_back({value.key, Value{}, value.value});
  return changed;
}

const ShownDelegation* find_delegation(const ShownPolicy& policy, const std::string& name) {
  const auto found = std::ranges::find(policy.delegations, name, &ShownDelegation::name);
  return found == policy.delegations.end() ? nullptr : &*found;
}

ChangedDelegation added(const ShownDelegation& delegation) {
  ChangedDelegation change{delegation.name, ChangedDelegation::Kind::added, {}};
  for (const auto& value : delegation.values)
    if (!value.file.empty())
      change.keys.push_back({value.key, Value{}, value.value});
  return change;
}

struct Holding {
  CidSet cpus;
  CpuTime due = 0;
};

// By path: a cgroup that came back is the same to people.
std::map<std::string, Holding> holdings(const Plan& plan, const Topology& topology,
                                        const CgroupTree& cgroups) {
  std::map<std::string, Holding> all;
  for (const auto& level : plan.levels) {
    for (const auto& participant : level.participants) {
      // What a child keeps for itself is its own affair.
      if (participant.cgroup == kSelf && level.scheduler != kSelf)
        continue;
      const auto* node = participant.cgroup == kSelf ? nullptr : cgroups.find(participant.cgroup);
      if (participant.cgroup != kSelf && node == nullptr)
        continue;
      auto& holding = all[node == nullptr ? "/" : node->path];
      holding.due = participant.entitlement.cpus;
      for (const auto cid : participant.exclusive)
        holding.cpus.insert(Cid{topology.cids.at(cid.value).cpu});
      for (const auto& share : participant.shared)
        holding.cpus.insert(Cid{topology.cids.at(share.cid.value).cpu});
    }
  }
  return all;
}

struct ToText {
  std::string operator()(std::monostate /*unset*/) const { return "unset"; }
  std::string operator()(const std::string& text) const { return fmt::format("\"{}\"", text); }
  template <class T>
  std::string operator()(const T& plain) const {
    return fmt::format("{}", plain);
  }
};

std::string text_of(const Value& value) {
  return std::visit(ToText{}, value);
}

Json json_of(const Value& value) {
  return std::visit(
      [](const auto& plain) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(plain)>, std::monostate>)
          return nullptr;
        else
          return plain;
      },
      value);
}

std::string lines_of(const std::vector<ChangedKey>& keys) {
  std::string lines;
  for (const auto& [key, before, after] : keys)
    lines += fmt::format("    {}: {} -> {}\n", key, text_of(before), text_of(after));
  return lines;
}

Json json_of(const std::vector<ChangedKey>& keys) {
  auto list = Json::array();
  for (const auto& [key, before, after] : keys)
    list.push_back({{"key", key}, {"before", json_of(before)}, {"after", json_of(after)}});
  return list;
}

std::string name_of(ChangedDelegation::Kind kind) {
  switch (kind) {
    case ChangedDelegation::Kind::added:
      return "added";
    case ChangedDelegation::Kind::removed:
      return "removed";
    case ChangedDelegation::Kind::changed:
      break;
  }
  return "changed";
}

std::string line_of(const ChangedCpus& change) {
  std::vector<std::string> parts;
  if (!change.gains.empty())
    parts.push_back("gains CPUs " + change.gains.to_string());
  if (!change.loses.empty())
    parts.push_back("loses CPUs " + change.loses.to_string());
  if (change.due_before != change.due_after)
    parts.push_back(fmt::format("is due {} instead of {}", format_cpus(change.due_after),
                                format_cpus(change.due_before)));
  return fmt::format("  {} {}\n", change.cgroup, fmt::join(parts, ", "));
}

double as_cpus(CpuTime time) {
  return static_cast<double>(time) / static_cast<double>(kCpuUnit);
}

}  // namespace

void compare_policies(const ShownPolicy& before, const ShownPolicy& after, ReloadPreview& preview) {
  preview.root = compare_values(before.root, after.root);
  for (const auto& delegation : before.delegations) {
    const auto* now = find_delegation(after, delegation.name);
    if (now == nullptr) {
      preview.delegations.push_back({delegation.name, ChangedDelegation::Kind::removed, {}});
      continue;
    }
    if (auto keys = compare_values(delegation.values, now->values); !keys.empty())
      preview.delegations.push_back(
          {delegation.name, ChangedDelegation::Kind::changed, std::move(keys)});
  }
  for (const auto& delegation : after.delegations)
    if (find_delegation(before, delegation.name) == nullptr)
      preview.delegations.push_back(added(delegation));
}

std::vector<ChangedCpus> compare_plans(const Plan& before, const Plan& after,
                                       const Topology& topology, const CgroupTree& cgroups) {
  auto had = holdings(before, topology, cgroups);
  auto has = holdings(after, topology, cgroups);
  for (const auto& [path, holding] : had)
    has.try_emplace(path);
  std::vector<ChangedCpus> changes;
  for (const auto& [path, now] : has) {
    const auto& then = had[path];
    if (now.cpus != then.cpus || now.due != then.due)
      changes.push_back({.cgroup = path,
                         .gains = now.cpus - then.cpus,
                         .loses = then.cpus - now.cpus,
                         .due_before = then.due,
                         .due_after = now.due});
  }
  return changes;
}

std::string to_text(const ReloadPreview& preview) {
  std::string text;
  if (preview.other_root)
    text += "the root scheduler is replaced, and every scheduler with it attached anew\n";
  if (!preview.root.empty())
    text += "the root's keys are changed\n" + lines_of(preview.root);
  for (const auto& change : preview.delegations)
    text += fmt::format("{} is {}\n{}", change.name, name_of(change.kind), lines_of(change.keys));
  if (!preview.cpus.empty())
    text += "CPUs:\n";
  for (const auto& change : preview.cpus)
    text += line_of(change);
  return text.empty() ? "nothing changes\n" : text;
}

std::string to_json(const ReloadPreview& preview) {
  auto delegations = Json::array();
  for (const auto& change : preview.delegations)
    delegations.push_back({{"delegation", change.name},
                           {"change", name_of(change.kind)},
                           {"keys", json_of(change.keys)}});
  auto cpus = Json::array();
  for (const auto& change : preview.cpus)
    cpus.push_back({{"cgroup", change.cgroup},
                    {"gains", change.gains.to_string()},
                    {"loses", change.loses.to_string()},
                    {"due_before", as_cpus(change.due_before)},
                    {"due_after", as_cpus(change.due_after)}});
  return json::to_text({{"schema", kSchema},
                        {"other_root", preview.other_root},
                        {"root", json_of(preview.root)},
                        {"delegations", std::move(delegations)},
                        {"cpus", std::move(cpus)}});
}

}  // namespace fief
