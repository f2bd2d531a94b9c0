// SPDX-License-Identifier: GPL-2.0-only
#include "control/planning.hpp"

namespace fief {
namespace {

// Who gets a scheduler and by which weight, nothing else.
Policy weights_only(const Policy& policy) {
  Policy relaxed;
  relaxed.root.options = policy.root.options;
  for (const auto& delegation : policy.delegations) {
    Delegation plain;
    plain.name = delegation.name;
    plain.cgroup = delegation.cgroup;
    plain.scheduler = delegation.scheduler;
    plain.weight = delegation.weight;
    relaxed.delegations.push_back(std::move(plain));
  }
  return relaxed;
}

}  // namespace

Result<Plan> make_checked_plan(const PlanInput& input) {
  auto plan = make_plan(input);
  if (!plan)
    return plan;
  if (const auto sound = check_plan(*plan, input); !sound)
    return context("the plan made is not sound", sound.error());
  return plan;
}

Result<Decision> decide(const PlanInput& input) {
  auto plan = make_checked_plan(input);
  if (plan)
    return Decision{std::move(*plan), {}};
  const auto relaxed = weights_only(input.policy);
  auto fallback = make_checked_plan({.topology = input.topology,
                                     .cgroups = input.cgroups,
                                     .policy = relaxed,
                                     .attachments = input.attachments,
                                     .previous = input.previous,
                                     .now = input.now});
  if (!fallback)
    return tl::unexpected(plan.error());
  return Decision{std::move(*fallback), plan.error().message};
}

}  // namespace fief
