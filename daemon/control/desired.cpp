// SPDX-License-Identifier: GPL-2.0-only
#include "control/desired.hpp"

#include <algorithm>
#include <string_view>

namespace fief {
namespace {

bool is_below(std::string_view path, std::string_view ancestor) {
  return path.size() > ancestor.size() && path.starts_with(ancestor) &&
         path[ancestor.size()] == '/';
}

bool is_current(const Loaded& loaded, const Delegation& delegation) {
  return loaded.current && loaded.scheduler == delegation.scheduler &&
         loaded.options == delegation.options;
}

bool is_wanted(CgroupId cgroup, const Loaded& loaded, const std::vector<Desired>& desired) {
  return std::ranges::any_of(desired, [&](const Desired& want) {
    return want.cgroup == cgroup && is_current(loaded, *want.delegation);
  });
}

bool is_missing(const Desired& want, const Situation& situation) {
  return situation.observation.find(want.cgroup) == nullptr;
}

bool is_in_the_way(const Loaded& loaded, const Situation& situation) {
  return std::ranges::any_of(situation.desired, [&](const Desired& want) {
    return is_below(loaded.path, want.delegation->cgroup) && is_missing(want, situation) &&
           situation.standing(*want.delegation) == Standing::ready;
  });
}

bool waits_for_ancestor(const Desired& want, const Situation& situation) {
  return std::ranges::any_of(situation.desired, [&](const Desired& above) {
    return is_below(want.delegation->cgroup, above.delegation->cgroup) &&
           is_missing(above, situation) && situation.standing(*above.delegation) != Standing::out;
  });
}

}  // namespace

std::vector<Desired> desired_attachments(const Policy& policy, const CgroupTree& cgroups) {
  std::vector<Desired> desired;
  for (const auto& delegation : policy.delegations)
    if (const auto* node = cgroups.find(delegation.cgroup))
      desired.push_back({&delegation, node->id});
  // A path sorts after its prefix.
  std::ranges::sort(desired, {}, [](const Desired& want) { return want.delegation->cgroup; });
  return desired;
}

std::vector<CgroupId> to_detach(const Situation& situation) {
  std::vector<CgroupId> leaving;
  for (const auto& [cgroup, loaded] : situation.loaded)
    if (!is_wanted(cgroup, loaded, situation.desired) || is_in_the_way(loaded, situation))
      leaving.push_back(cgroup);
  std::ranges::sort(leaving, std::ranges::greater{},
                    [&](CgroupId cgroup) { return situation.loaded.at(cgroup).path; });
  return leaving;
}

const Desired* next_to_attach(const Situation& situation) {
  const auto found = std::ranges::find_if(situation.desired, [&](const Desired& want) {
    return is_missing(want, situation) && !situation.loaded.contains(want.cgroup) &&
           situation.standing(*want.delegation) == Standing::ready &&
           !waits_for_ancestor(want, situation);
  });
  return found == situation.desired.end() ? nullptr : &*found;
}

}  // namespace fief
