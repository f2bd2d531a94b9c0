// SPDX-License-Identifier: GPL-2.0-only
#include "cli/offline/offline.hpp"

#include <algorithm>
#include <set>

#include "cgroup/reader.hpp"
#include "cli/offline/assumed.hpp"
#include "cli/offline/machine_option.hpp"
#include "core/fd.hpp"
#include "status/plan_document.hpp"

namespace fief::cli {
namespace {

// A plan of the largest machine, with all its cgroups.
constexpr std::size_t kMaxText = 64U << 20;

// May be a pipe from the command that prints it.
Result<std::string> read_given(const std::string& file) {
  auto text = read_file(file, kMaxText);
  if (!text)
    return context(file + ": cannot be read", text.error());
  return text;
}

bool is_specification(const std::string& text) {
  return text.find_first_of("0123456789") == 0 &&
         text.find_first_not_of("0123456789x cap=+") == std::string::npos;
}

Result<Topology> choose_topology(const std::string& option) {
  if (option.empty())
    return read_topology();
  if (is_specification(option))
    return parse_topology_spec(option);
  return read_given(option).and_then(
      [&option](const std::string& text) { return topology_from_json(option, text); });
}

Result<std::vector<NamedCgroup>> own_cgroups() {
  const auto tree = read_cgroup_tree();
  if (!tree && tree.error().code == Errc::not_found)
    return std::vector<NamedCgroup>{};  // a machine without cgroups plans for those of the policy
  return tree.map(named_cgroups);
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
  return read_given(file).and_then(
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

Result<Plan> read_previous(const std::string& file, const CgroupTree& cgroups) {
  if (file.empty())
    return Plan{};
  return read_given(file).and_then(
      [&file, &cgroups](const std::string& text) { return plan_from_json(file, text, cgroups); });
}

Status plan_all(Offline& offline, const Plan* previous) {
  offline.attachments = attach_all(offline.cgroups, offline.policy);
  auto input = offline.input();
  input.previous = previous;
  auto plan = make_plan(input);
  if (!plan)
    return tl::unexpected(plan.error());
  if (const auto sound = check_plan(*plan, input); !sound)
    return sound;
  offline.plan = *std::move(plan);
  return {};
}

// The member of a pattern that has to go first; false: there is none left.
bool hold_back_last(Offline& offline) {
  auto& delegations = offline.policy.delegations;
  const auto last = std::ranges::find_if(
      delegations.rbegin(), delegations.rend(),
      [](const Delegation& delegation) { return !delegation.pattern.empty(); });
  if (last == delegations.rend())
    return false;
  offline.held_back.push_back(last->cgroup);
  delegations.erase(std::next(last).base());
  return true;
}

// A pattern stands for any number of cgroups: those that have no room take nothing from the rest.
Status plan_what_fits(Offline& offline, const Plan* previous) {
  auto all = plan_all(offline, previous);
  if (all || all.error().code != Errc::infeasible)
    return all;
  offline.shortfall = all.error().message;
  while (hold_back_last(offline))
    if (plan_all(offline, previous))
      return {};
  return all;
}

Result<Offline> plan_policy(const Policy& policy, Topology topology,
                            const OfflineOptions& options) {
  auto cgroups = choose_cgroups(options);
  if (!cgroups)
    return tl::unexpected(cgroups.error());
  const auto members = read_members(options.members);
  if (!members)
    return tl::unexpected(members.error());
  auto assumed = assume(policy, *std::move(cgroups), *members);
  if (!assumed)
    return tl::unexpected(assumed.error());
  const auto previous = read_previous(options.previous, assumed->tree);
  if (!previous)
    return tl::unexpected(previous.error());
  Offline offline{.policy = std::move(assumed->policy),
                  .topology = std::move(topology),
                  .cgroups = std::move(assumed->tree),
                  .attachments = {},
                  .assumed = std::move(assumed->paths),
                  .members = std::move(assumed->members),
                  .held_back = {},
                  .shortfall = {},
                  .plan = {}};
  const auto fits = plan_what_fits(offline, options.previous.empty() ? nullptr : &*previous);
  if (!fits)
    return tl::unexpected(fits.error());
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
  const auto policy = choose_policy(options.policy, *surroundings);
  if (!policy)
    return tl::unexpected(OfflineFailure{policy.error()});
  auto offline = plan_policy(*policy, *std::move(topology), options);
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
