// SPDX-License-Identifier: GPL-2.0-only
#include "cli/offline/offline.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "cgroup/reader.hpp"
#include "cli/offline/machine_option.hpp"
#include "cli/offline/named_cgroups.hpp"
#include "policy/resolve.hpp"
#include "status/plan_document.hpp"

namespace fief::cli {
namespace {

Result<std::string> read_file(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream)
    return fail(Errc::io, "{}: cannot be read", file);
  return text;
}

bool is_specification(const std::string& text) {
  return text.find_first_not_of("0123456789x") == std::string::npos;
}

Result<Topology> choose_topology(const std::string& option) {
  if (option.empty())
    return read_topology();
  if (is_specification(option))
    return parse_topology_spec(option);
  return read_file(option).and_then(
      [&option](const std::string& text) { return topology_from_json(option, text); });
}

Result<std::vector<NamedCgroup>> own_cgroups() {
  std::vector<NamedCgroup> cgroups;
  const auto tree = read_cgroup_tree();
  if (!tree && tree.error().code == Errc::not_found)
    return cgroups;  // a machine without cgroups plans for those of the policy
  if (!tree)
    return tl::unexpected(tree.error());
  for (const auto& node : tree->nodes)
    cgroups.push_back({node.path, node.id, node.weight, node.idle, node.populated, node.cpus});
  return cgroups;
}

// This machine's cpusets are about this machine's CPUs.
std::vector<NamedCgroup> without_cpusets(std::vector<NamedCgroup> cgroups) {
  for (auto& cgroup : cgroups)
    cgroup.cpus.reset();
  return cgroups;
}

Result<std::vector<NamedCgroup>> choose_cgroups(const OfflineOptions& options) {
  const auto& file = options.cgroups;
  if (file.empty())
    return options.topology.empty() ? own_cgroups() : own_cgroups().map(without_cpusets);
  return read_file(file).and_then(
      [&file](const std::string& text) { return cgroups_from_json(file, text); });
}

// Another topology is another machine's.
Result<Surroundings> choose_surroundings(const OfflineOptions& options, const Topology& topology) {
  auto machine = here().machine;
  if (!options.topology.empty()) {
    std::set<std::uint32_t> nodes;
    for (const auto& cid : topology.cids)
      nodes.insert(cid.node);
    machine.cpus = topology.nr_cids();
    machine.nodes = static_cast<std::uint32_t>(nodes.size());
  }
  return with_facts(std::move(machine), options.machine).map([](Machine known) {
    return Surroundings{.users = here().users, .machine = std::move(known)};
  });
}

PolicyResult choose_policy(const std::vector<std::string>& files,
                           const Surroundings& surroundings) {
  return files.empty() ? load_policy({}, {}, surroundings)
                       : load_policy_files(files, FileTrust::any, {}, surroundings);
}

// Cgroups that the policy names count as if their service ran.
std::vector<std::string> add_absent(const Policy& policy, std::vector<NamedCgroup>& cgroups) {
  std::vector<std::string> added;
  for (const auto& delegation : policy.delegations) {
    const bool known = std::ranges::any_of(cgroups, [&delegation](const NamedCgroup& cgroup) {
      return cgroup.path == delegation.cgroup;
    });
    if (known)
      continue;
    cgroups.push_back({.path = delegation.cgroup});
    added.push_back(delegation.cgroup);
  }
  return added;
}

// The scheduler above a cgroup: that of the nearest delegated ancestor.
CgroupId parent_of(const CgroupTree& tree, const CgroupNode& node, const Policy& policy) {
  const CgroupNode* nearest = nullptr;
  for (const auto& delegation : policy.delegations) {
    const auto* other = tree.find(delegation.cgroup);
    if (other->id != node.id && tree.is_descendant(node, *other) &&
        (nearest == nullptr || tree.is_descendant(*other, *nearest)))
      nearest = other;
  }
  return nearest != nullptr ? nearest->id : kSelf;
}

std::vector<Attachment> attach_all(const CgroupTree& tree, const Policy& policy) {
  std::vector<Attachment> attachments;
  for (const auto& delegation : policy.delegations) {
    const auto& node = *tree.find(delegation.cgroup);
    attachments.push_back({node.id, parent_of(tree, node, policy), false});
  }
  return attachments;
}

Result<Plan> read_previous(const std::string& file, const CgroupTree& cgroups) {
  if (file.empty())
    return Plan{};
  return read_file(file).and_then(
      [&file, &cgroups](const std::string& text) { return plan_from_json(file, text, cgroups); });
}

Result<Offline> plan_policy(Policy policy, Topology topology, const OfflineOptions& options) {
  auto cgroups = choose_cgroups(options);
  if (!cgroups)
    return tl::unexpected(cgroups.error());
  auto assumed = add_absent(policy, *cgroups);
  auto tree = make_tree(*cgroups);
  if (!tree)
    return tl::unexpected(tree.error());
  const auto previous = read_previous(options.previous, *tree);
  if (!previous)
    return tl::unexpected(previous.error());
  policy = resolve(policy, *tree);
  Offline offline{
      std::move(policy), std::move(topology), *std::move(tree), {}, std::move(assumed), {}};
  offline.attachments = attach_all(offline.cgroups, offline.policy);
  auto input = offline.input();
  input.previous = options.previous.empty() ? nullptr : &*previous;
  auto plan = make_plan(input);
  if (!plan)
    return tl::unexpected(plan.error());
  if (const auto sound = check_plan(*plan, input); !sound)
    return tl::unexpected(sound.error());
  offline.plan = *std::move(plan);
  return offline;
}

SchedulerView planned_view(const Offline& offline, CgroupId scheduler,
                           const ParticipantPlan& planned) {
  SchedulerView view;
  view.path = "/";
  view.scheduler = "root";
  view.state = SchedulerState::attached;
  view.cgroup = scheduler;
  view.entitlement = planned.entitlement;
  view.planned_exclusive = planned.exclusive;
  view.planned_shared = planned.shared;
  if (scheduler == kSelf)
    return view;
  const auto& node = *offline.cgroups.find(scheduler);
  view.path = node.path;
  const auto delegation =
      std::ranges::find(offline.policy.delegations, node.path, &Delegation::cgroup);
  view.delegation = delegation->name;
  view.scheduler = delegation->scheduler;
  view.weight = delegation->weight.value_or(node.weight);
  return view;
}

}  // namespace

PlanInput Offline::input() const {
  return {.topology = topology, .cgroups = cgroups, .policy = policy, .attachments = attachments};
}

tl::expected<Offline, OfflineFailure> plan_offline(const OfflineOptions& options) {
  auto topology = choose_topology(options.topology);
  if (!topology)
    return tl::unexpected(OfflineFailure{topology.error()});
  const auto surroundings = choose_surroundings(options, *topology);
  if (!surroundings)
    return tl::unexpected(OfflineFailure{surroundings.error()});
  auto policy = choose_policy(options.policy, *surroundings);
  if (!policy)
    return tl::unexpected(OfflineFailure{policy.error()});
  auto offline = plan_policy(*std::move(policy), *std::move(topology), options);
  if (!offline)
    return tl::unexpected(OfflineFailure{offline.error()});
  return *std::move(offline);
}

StatusView planned_status(const Offline& offline) {
  StatusView status;
  status.nr_cpus = offline.topology.nr_cids();
  for (const auto& cid : offline.topology.cids)
    status.cpu_of_cid.push_back(cid.cpu);
  for (const auto& level : offline.plan.levels)
    for (const auto& participant : level.participants)
      if (level.scheduler == kSelf || participant.cgroup != kSelf)
        status.schedulers.push_back(planned_view(offline, participant.cgroup, participant));
  std::ranges::sort(status.schedulers, {}, &SchedulerView::path);
  return status;
}

}  // namespace fief::cli
