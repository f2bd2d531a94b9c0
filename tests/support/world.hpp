// SPDX-License-Identifier: GPL-2.0-only
// A declarative world for planner tests: topology, cgroups, policy, attachments, plan in force.
#pragma once

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.hpp"

namespace fief::test {

struct World {
  Topology topology;
  CgroupTree cgroups;
  Policy policy;
  std::vector<Attachment> attachments;
  PlanLimits limits;
  Instant now{};
  std::optional<Plan> in_force;

  explicit World(std::string_view spec) : topology(parse_topology_spec(spec).value()) {
    cgroups.nodes.push_back({CgroupId{1}, "/", 0, kDefaultWeight, false, true});
  }

  /// Adds a populated cgroup; its parent must be there. Ids count up from 2.
  CgroupId cgroup(const std::string& path, std::uint32_t weight = kDefaultWeight) {
    const auto slash = path.rfind('/');
    const auto parent = slash == 0 ? std::string("/") : path.substr(0, slash);
    const auto id = CgroupId{cgroups.nodes.back().id.value + 1};
    cgroups.nodes.push_back({id, path, index(parent), weight, false, true});
    return id;
  }

  /// Adds a cgroup with a child scheduler below @p parent.
  CgroupId child(const std::string& path, std::uint32_t weight = kDefaultWeight,
                 CgroupId parent = kSelf) {
    const auto id = cgroup(path, weight);
    attachments.push_back({id, parent, false});
    return id;
  }

  /// What is known of who has wanted to run beside a child.
  void activity(CgroupId child, Activity known) {
    std::ranges::find(attachments, child, &Attachment::cgroup)->activity = std::move(known);
  }

  /// The policy's entry for a path, made on first use.
  Delegation& delegation(const std::string& path) {
    const auto at = std::ranges::find(policy.delegations, path, &Delegation::cgroup);
    if (at != policy.delegations.end())
      return *at;
    policy.delegations.push_back({});
    policy.delegations.back().name = path;
    policy.delegations.back().cgroup = path;
    return policy.delegations.back();
  }

  CgroupNode& node(std::string_view path) { return cgroups.nodes[index(path)]; }

  void detach(CgroupId id) {
    std::erase_if(attachments, [id](const Attachment& item) { return item.cgroup == id; });
  }

  [[nodiscard]] PlanInput input() const {
    return {topology, cgroups, policy, attachments, in_force ? &*in_force : nullptr, limits, now};
  }

  [[nodiscard]] Result<Plan> make() const { return make_plan(input()); }

  /// Plans and puts the plan in force.
  const Plan& plan() {
    auto made = make();
    if (!made)
      throw std::runtime_error(made.error().message);
    in_force = std::move(*made);
    return *in_force;
  }

 private:
  [[nodiscard]] std::uint32_t index(std::string_view path) const {
    const auto at = std::ranges::find(cgroups.nodes, path, &CgroupNode::path);
    if (at == cgroups.nodes.end())
      throw std::out_of_range(std::string(path));
    return static_cast<std::uint32_t>(at - cgroups.nodes.begin());
  }
};

/// Everything a participant has, in kCpuUnit.
inline CpuTime time_of(const ParticipantPlan& participant) {
  CpuTime time = kCpuUnit * participant.exclusive.size();
  for (const auto& share : participant.shared)
    time += share.fraction;
  return time;
}

/// The work of this, in 1/kFullCapacity of a unit.
inline CpuTime work_of(const ParticipantPlan& participant, const Topology& topology) {
  CpuTime work = 0;
  for (const auto cid : participant.exclusive)
    work += kCpuUnit * topology.cids.at(cid.value).capacity;
  for (const auto& share : participant.shared)
    work += share.fraction * topology.cids.at(share.cid.value).capacity;
  return work;
}

/// A level for a person: a line a participant.
inline std::string describe(const LevelPlan& level) {
  std::string text =
      fmt::format("scheduler {} holds {}\n", level.scheduler.value, level.held.to_string());
  for (const auto& participant : level.participants) {
    text += fmt::format("  {} due {}: owns [{}]", participant.cgroup.value,
                        participant.entitlement.cpus, participant.exclusive.to_string());
    for (const auto& share : participant.shared)
      text += fmt::format(" {}:{}", share.cid.value, share.fraction);
    text += '\n';
  }
  return text;
}

/// What a failed case looked like: topology, policy, and the plan in force.
inline std::string describe(const World& world) {
  std::string text = "cores:";
  for (const auto& info : world.topology.cids)
    text += fmt::format(" {}{}{}", info.core, info.online ? "" : "(offline)",
                        info.capacity == kFullCapacity ? "" : fmt::format("@{}", info.capacity));
  text += '\n';
  for (const auto& item : world.policy.delegations)
    text += fmt::format("  {}: exclusive {} split {} placement {}\n", item.cgroup, item.exclusive,
                        item.smt == Smt::split, item.placement.index());
  for (const auto& node : world.cgroups.nodes)
    text += fmt::format("  {} {} weight {}\n", node.id.value, node.path, node.weight);
  if (world.in_force)
    for (const auto& level : world.in_force->levels)
      text += describe(level);
  return text;
}

}  // namespace fief::test
