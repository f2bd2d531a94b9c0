// SPDX-License-Identifier: GPL-2.0-only
#include "cli/offline/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "cgroup/reader.hpp"
#include "cli/offline/assumed.hpp"
#include "cli/offline/machine_option.hpp"
#include "core/cgroup_path.hpp"
#include "judge/impossible.hpp"
#include "plan/plan.hpp"
#include "policy/find.hpp"
#include "policy/resolve.hpp"
#include "policy/show.hpp"

namespace fief::cli {
namespace {

namespace fs = std::filesystem;

// A file in one of the daemon's directories is read as the daemon reads it; any other is a draft.
FileTrust trust_of(const std::string& file, const PolicyPaths& paths) {
  const auto path = fs::absolute(file).lexically_normal().string();
  const bool is_read_by_daemon = std::ranges::any_of(
      paths.directories,
      [&path](const std::string& directory) { return is_below(path, directory); });
  return is_read_by_daemon ? paths.trust : FileTrust::any;
}

PolicySources read_sources(const std::vector<std::string>& files, const PolicyPaths& paths) {
  if (files.empty())
    return read_policy(paths);
  PolicySources sources;
  for (const auto& file : files) {
    auto read = read_policy_files({&file, 1}, trust_of(file, paths));
    std::ranges::move(read.texts, std::back_inserter(sources.texts));
    std::ranges::move(read.unread, std::back_inserter(sources.unread));
  }
  return sources;
}

// One LLC a node, one thread a core: what is not said of a machine is assumed to be simple.
Result<Topology> made_up(const Machine& machine) {
  const auto cores = std::max(machine.cpus / machine.nodes, 1U);
  return parse_topology_spec(fmt::format("{}x1x{}x1", machine.nodes, cores));
}

PolicyFault about(const ShownValue* value, std::string message) {
  if (value == nullptr)
    return {
        .file = "the policy", .line = 0, .column = 0, .pointer = {}, .message = std::move(message)};
  return {.file = value->file,
          .line = value->line,
          .column = value->column,
          .pointer = value->pointer,
          .message = std::move(message)};
}

// The value that says which cgroups a delegation is about.
const ShownValue* subject_of(const ShownPolicy& shown, const std::string& name) {
  const auto found = std::ranges::find(shown.delegations, name, &ShownDelegation::name);
  if (found == shown.delegations.end())
    return nullptr;
  const auto written = std::ranges::find_if(
      found->values, [](const ShownValue& value) { return !value.file.empty(); });
  return written == found->values.end() ? nullptr : &*written;
}

std::vector<PolicyFault> what_waits(const Policy& policy, const ShownPolicy& shown,
                                    const CgroupTree& tree) {
  std::vector<PolicyFault> waiting;
  for (const auto& delegation : policy.delegations)
    if (tree.find(delegation.cgroup) == nullptr)
      waiting.push_back(about(
          subject_of(shown, delegation.name),
          fmt::format("there is no cgroup {} now, so \"{}\" waits for it{}", delegation.cgroup,
                      delegation.name, near_cgroup(tree, delegation.cgroup))));
  for (const auto& pattern : policy.patterns)
    if (pattern.enabled && std::ranges::none_of(tree.nodes, [&pattern](const CgroupNode& node) {
          return pattern.cgroups.matches(node.path);
        }))
      waiting.push_back(about(subject_of(shown, pattern.delegation.name),
                              fmt::format("no cgroup matches \"{}\" now, so it waits for one",
                                          pattern.delegation.name)));
  return waiting;
}

Policy only_present(Policy policy, const CgroupTree& tree) {
  std::erase_if(policy.delegations, [&tree](const Delegation& delegation) {
    return tree.find(delegation.cgroup) == nullptr;
  });
  return policy;
}

// What is asked for with paths. Of a pattern's cgroups, those for which there is no room are held
// back, and nothing is refused for them.
Policy without_members(Policy policy) {
  std::erase_if(policy.delegations,
                [](const Delegation& delegation) { return !delegation.pattern.empty(); });
  return policy;
}

Status plan_all(const Policy& policy, const Topology& topology, const CgroupTree& tree) {
  const auto attachments = attach_all(tree, policy);
  const auto plan = make_plan(
      {.topology = topology, .cgroups = tree, .policy = policy, .attachments = attachments});
  return plan ? Status{} : tl::unexpected(plan.error());
}

// False if there is something to say.
bool judge_together(Checked& checked, const Policy& resolved, const Topology& topology,
                    const CgroupTree& tree) {
  if (const auto fits = plan_all(without_members(resolved), topology, tree); !fits) {
    checked.faults.push_back(about(nullptr, fits.error().message));
    return false;
  }
  if (const auto fits = plan_all(resolved, topology, tree); !fits) {
    checked.warnings.push_back(about(
        nullptr, fmt::format("some cgroups of patterns are held back: {}", fits.error().message)));
    return false;
  }
  return true;
}

void judge_elsewhere(Checked& checked, const Topology& topology) {
  if (const auto assumed = assume(checked.policy, {}, {}); !assumed)
    checked.faults.push_back(about(nullptr, assumed.error().message));
  else
    judge_together(checked, assumed->policy, topology, assumed->tree);
}

void judge_here(Checked& checked, const ShownPolicy& shown, const Topology& topology,
                const CgroupTree& tree) {
  checked.warnings = what_waits(checked.policy, shown, tree);
  if (!judge_together(checked, only_present(resolve(checked.policy, tree), tree), topology, tree))
    return;
  const auto all =
      assume(checked.policy, named_cgroups(tree), {}).and_then([&](const Assumed& assumed) {
        return plan_all(assumed.policy, topology, assumed.tree);
      });
  if (!all)
    checked.warnings.push_back(
        about(nullptr, fmt::format("if all of it ran at once: {}", all.error().message)));
}

}  // namespace

Result<Checked> check_policy(const CheckOptions& options, const OptionCatalog& catalog,
                             const CheckPlace& place) {
  auto machine = with_facts(here().machine, options.machine);
  if (!machine)
    return tl::unexpected(machine.error());
  const bool is_here = options.machine.empty();
  const Surroundings surroundings{.users = here().users, .machine = std::move(*machine)};
  auto sources = read_sources(options.policy, place.paths);
  auto traced = trace_policy(sources.texts, std::move(sources.unread), catalog, surroundings);
  if (!traced)
    return Checked{.policy = {}, .faults = std::move(traced.error()), .warnings = {}};
  const auto topology = is_here ? read_topology(place.sysfs) : made_up(surroundings.machine);
  if (!topology)
    return tl::unexpected(topology.error());
  const auto& shown = traced->shown;
  Checked checked{.policy = std::move(traced->policy), .faults = {}, .warnings = {}};
  checked.faults = impossible_demands(checked.policy, shown, *topology);
  if (!checked.faults.empty())
    return checked;
  if (!is_here) {
    judge_elsewhere(checked, *topology);
    return checked;
  }
  // A machine without cgroups has nothing that could be missing.
  if (const auto tree = read_cgroup_tree(place.cgroups))
    judge_here(checked, shown, *topology, *tree);
  return checked;
}

}  // namespace fief::cli
