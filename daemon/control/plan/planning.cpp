// SPDX-License-Identifier: GPL-2.0-only
#include "control/plan/planning.hpp"

#include <optional>
#include <utility>

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

CidSet online_cpus(const Topology& topology) {
  CidSet cpus;
  for (const auto& info : topology.cids)
    if (info.online)
      cpus.insert(Cid{info.cpu});
  return cpus;
}

// The CPUs that a placement leaves of those @p there are.
CidSet placed(const Placement& placement, const Topology& topology, CidSet there) {
  if (const auto* cpus = std::get_if<PlaceCpus>(&placement))
    return there &= cpus->cpus;
  if (const auto* nodes = std::get_if<PlaceNodes>(&placement))
    for (const auto& info : topology.cids)
      if (!nodes->nodes.contains(Cid{info.node}))
        there.erase(Cid{info.cpu});
  return there;
}

// What @p cpus can do, in CPUs of full capacity.
double capacity_of(const CidSet& cpus, const Topology& topology) {
  std::uint64_t sum = 0;
  for (const auto& info : topology.cids)
    if (cpus.contains(Cid{info.cpu}))
      sum += info.capacity;
  return static_cast<double>(sum) / kFullCapacity;
}

// Of a delegation: no placement where the cpuset has no CPU, no minimum above the CPUs it has. True
// if anything had to give way.
bool yield(Delegation& delegation, const CidSet& cpuset, const Topology& topology) {
  bool yielded = false;
  auto usable = placed(delegation.placement, topology, cpuset);
  if (usable.empty()) {
    delegation.placement = PlacePack{};
    usable = cpuset;
    yielded = true;
  }
  const auto most = capacity_of(usable, topology);
  if (delegation.min_cpus && *delegation.min_cpus > most) {
    delegation.min_cpus = most;
    yielded = true;
  }
  return yielded;
}

// The policy without what cpusets make impossible; nothing if there is no such thing.
std::optional<Policy> yield_to_cpusets(const PlanInput& input) {
  const Cpusets cpusets(input.cgroups);
  auto policy = input.policy;
  bool yielded = false;
  for (auto& delegation : policy.delegations)
    yielded |= yield_to_cpuset(delegation, cpusets, input.cgroups, input.topology);
  return yielded ? std::optional(std::move(policy)) : std::nullopt;
}

CgroupTree without_cpusets(CgroupTree cgroups) {
  for (auto& node : cgroups.nodes)
    node.cpus.reset();
  return cgroups;
}

PlanInput with(const PlanInput& input, const CgroupTree& cgroups, const Policy& policy,
               const Plan* previous) {
  return {.topology = input.topology,
          .cgroups = cgroups,
          .policy = policy,
          .attachments = input.attachments,
          .previous = previous,
          .limits = input.limits,
          .now = input.now};
}

// With the policy yielding to cpusets; nothing where it has no need to, or does so in vain.
std::optional<Plan> yielding_plan(const PlanInput& input) {
  const auto policy = yield_to_cpusets(input);
  if (!policy)
    return std::nullopt;
  auto plan = make_checked_plan(with(input, input.cgroups, *policy, input.previous));
  return plan ? std::optional(std::move(*plan)) : std::nullopt;
}

Result<Plan> make_and_check(const PlanInput& input) {
  auto plan = make_plan(input);
  if (!plan)
    return plan;
  if (const auto sound = check_plan(*plan, input); !sound)
    return context("the plan made is not sound", sound.error());
  return plan;
}

}  // namespace

Result<Plan> make_checked_plan(const PlanInput& input) {
  auto plan = make_and_check(input);
  if (plan || input.previous == nullptr)
    return plan;
  auto afresh = make_and_check(with(input, input.cgroups, input.policy, nullptr));
  if (!afresh)
    return plan;
  afresh->number = input.previous->number + 1;
  return afresh;
}

bool yield_to_cpuset(Delegation& delegation, const Cpusets& cpusets, const CgroupTree& cgroups,
                     const Topology& topology) {
  const auto* node = cgroups.find(delegation.cgroup);
  if (node == nullptr)
    return false;
  auto cpuset = cpusets.of(static_cast<std::uint32_t>(node - cgroups.nodes.data()));
  if (!cpuset)
    return false;
  *cpuset &= online_cpus(topology);
  return !cpuset->empty() && yield(delegation, *cpuset, topology);
}

Result<Plan> make_yielding_plan(const PlanInput& input) {
  auto plan = make_checked_plan(input);
  if (plan)
    return plan;
  if (auto yielding = yielding_plan(input))
    return std::move(*yielding);
  return plan;
}

Result<Decision> decide(const PlanInput& input) {
  auto plan = make_checked_plan(input);
  if (plan)
    return Decision{std::move(*plan), {}, {}};
  const auto& why = plan.error().message;
  if (auto yielding = yielding_plan(input))
    return Decision{std::move(*yielding), why, "the cpusets count where they contradict them"};
  const auto relaxed = weights_only(input.policy);
  if (auto weighted = make_checked_plan(with(input, input.cgroups, relaxed, input.previous)))
    return Decision{std::move(*weighted), why, "the weights alone count"};
  const auto free = without_cpusets(input.cgroups);
  if (auto unconfined = make_checked_plan(with(input, free, relaxed, input.previous)))
    return Decision{std::move(*unconfined), why, "the weights alone count, without the cpusets"};
  return tl::unexpected(plan.error());
}

}  // namespace fief
