// SPDX-License-Identifier: GPL-2.0-only
#include "judge/impossible.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "plan/plan.hpp"

namespace fief {
namespace {

constexpr CgroupId kAlone{2};

// A plan for one delegation, or for the root scheduler by itself.
Status plan_for(const RootPolicy& root, const std::optional<Delegation>& delegation,
                const Topology& topology) {
  CgroupTree cgroups;
  cgroups.nodes.push_back({.id = CgroupId{1}, .path = "/", .populated = true});
  Policy policy{.root = root, .delegations = {}, .disabled = {}, .patterns = {}, .left_out = {}};
  std::vector<Attachment> attachments;
  if (delegation) {
    cgroups.nodes.push_back({.id = kAlone, .path = delegation->cgroup, .populated = true});
    policy.delegations.push_back(*delegation);
    attachments.push_back({kAlone, kSelf, false});
  }
  const auto plan = make_plan(
      {.topology = topology, .cgroups = cgroups, .policy = policy, .attachments = attachments});
  return plan ? Status{} : tl::unexpected(plan.error());
}

// Most policies ask for nothing that a machine could lack.
bool asks_for_cpus(const Delegation& delegation) {
  return delegation.min_cpus || delegation.exclusive ||
         std::holds_alternative<PlaceCpus>(delegation.placement) ||
         std::holds_alternative<PlaceNodes>(delegation.placement);
}

// Of a delegation: by itself it is near nobody.
Delegation alone(Delegation delegation) {
  if (std::holds_alternative<PlaceNear>(delegation.placement))
    delegation.placement = PlacePack{};
  return delegation;
}

struct Demand {
  std::string_view key;
  void (*withdraw)(Delegation& delegation);
};
constexpr std::array kDemands{
    Demand{"min_cpus", [](Delegation& delegation) { delegation.min_cpus.reset(); }},
    Demand{"placement", [](Delegation& delegation) { delegation.placement = PlacePack{}; }},
    Demand{"exclusive", [](Delegation& delegation) { delegation.exclusive = false; }},
};

// The key without which there would be a plan; "" if it takes more than one.
std::string_view culprit(const RootPolicy& root, const Delegation& delegation,
                         const Topology& topology) {
  for (const auto& [key, withdraw] : kDemands) {
    auto less = delegation;
    withdraw(less);
    if (plan_for(root, less, topology))
      return key;
  }
  return {};
}

// At the value of @p key; of @p keys the first that is written anywhere.
PolicyFault fault_at(const std::vector<ShownValue>& values, std::span<const std::string_view> keys,
                     std::string message) {
  PolicyFault fault{
      .file = "the policy", .line = 0, .column = 0, .pointer = {}, .message = std::move(message)};
  for (const auto key : keys) {
    const auto value = std::ranges::find_if(
        values, [key](const ShownValue& known) { return known.key == key && !known.file.empty(); });
    if (value == values.end())
      continue;
    fault.file = value->file;
    fault.line = value->line;
    fault.column = value->column;
    fault.pointer = value->pointer;
    break;
  }
  return fault;
}

const std::vector<ShownValue>& values_of(const ShownPolicy& shown, const std::string& name) {
  static const std::vector<ShownValue> kNone;
  const auto found = std::ranges::find(shown.delegations, name, &ShownDelegation::name);
  return found == shown.delegations.end() ? kNone : found->values;
}

}  // namespace

std::vector<PolicyFault> impossible_demands(const Policy& policy, const ShownPolicy& shown,
                                            const Topology& topology) {
  constexpr std::array<std::string_view, 1> kRootKeys{"min_cpus"};
  if (const auto root = plan_for(policy.root, std::nullopt, topology); !root)
    return {fault_at(shown.root, kRootKeys, root.error().message)};
  std::vector<PolicyFault> faults;
  const auto judge = [&](const Delegation& written) {
    if (!asks_for_cpus(written))
      return;
    const auto delegation = alone(written);
    const auto possible = plan_for(policy.root, delegation, topology);
    if (possible)
      return;
    const std::array keys{culprit(policy.root, delegation, topology), std::string_view("min_cpus"),
                          std::string_view("cgroup")};
    faults.push_back(fault_at(values_of(shown, written.name), keys, possible.error().message));
  };
  for (const auto& delegation : policy.delegations)
    judge(delegation);
  for (const auto& pattern : policy.patterns) {
    auto member = pattern.delegation;
    member.cgroup = member.name;
    if (pattern.enabled)
      judge(member);
  }
  return faults;
}

}  // namespace fief
