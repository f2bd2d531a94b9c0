// SPDX-License-Identifier: GPL-2.0-only
#include "control/schedulers/desired.hpp"

#include <algorithm>
#include <string_view>

#include "core/cgroup_path.hpp"

namespace fief {
namespace {

bool is_missing(const Desired& want, const Situation& situation) {
  return situation.observation.find(want.cgroup) == nullptr;
}

bool is_to_be_replaced(const Desired& want, const Situation& situation) {
  const auto loaded = situation.loaded.find(want.cgroup);
  return loaded != situation.loaded.end() && !is_current(loaded->second, *want.delegation);
}

// Whether a cgroup above @p path is one of @p paths.
bool has_ancestor(std::string_view path, const std::set<std::string_view>& paths) {
  return !paths.empty() &&
         any_above(path, [&paths](std::string_view above) { return paths.contains(above); });
}

std::set<CgroupId> wanted_of(const std::vector<Desired>& desired) {
  std::set<CgroupId> wanted;
  for (const auto& want : desired)
    wanted.insert(want.cgroup);
  return wanted;
}

// Paths of those that are to be attached: what is below them has to go first.
std::set<std::string_view> missing_and_ready(const Situation& situation) {
  std::set<std::string_view> paths;
  for (const auto& want : situation.desired)
    if (is_missing(want, situation) && situation.standing(*want.delegation) == Standing::ready)
      paths.insert(want.delegation->cgroup);
  return paths;
}

}  // namespace

bool is_current(const Loaded& loaded, const Delegation& delegation) {
  return loaded.current && loaded.scheduler == delegation.scheduler &&
         loaded.options == delegation.options;
}

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
  const auto wanted = wanted_of(situation.desired);
  const auto coming = missing_and_ready(situation);
  std::vector<CgroupId> leaving;
  for (const auto& [cgroup, loaded] : situation.loaded)
    if (!wanted.contains(cgroup) || has_ancestor(loaded.path, coming))
      leaving.push_back(cgroup);
  std::ranges::sort(leaving, std::ranges::greater{},
                    [&](CgroupId cgroup) { return situation.loaded.at(cgroup).path; });
  return leaving;
}

AttachRequest attach_request(const Desired& desired) {
  return {.cgroup = desired.cgroup,
          .path = desired.delegation->cgroup,
          .scheduler = desired.delegation->scheduler,
          .options = desired.delegation->options};
}

AttachQueue::AttachQueue(const Situation& situation) {
  for (const auto& want : situation.desired) {
    const auto standing = situation.standing(*want.delegation);
    if (!is_missing(want, situation)) {
      if (standing == Standing::ready && is_to_be_replaced(want, situation))
        ready_.push_back(&want);
      continue;
    }
    if (standing != Standing::out)
      awaited_.insert(want.delegation->cgroup);
    if (standing == Standing::ready && !situation.loaded.contains(want.cgroup))
      ready_.push_back(&want);
  }
  skip_waiting();
}

void AttachQueue::pass_over() {
  awaited_.erase(ready_[at_++]->delegation->cgroup);
  skip_waiting();
}

std::vector<AttachRequest> AttachQueue::rest() const {
  std::vector<AttachRequest> requests;
  for (auto at = at_ + 1; at < ready_.size(); ++at)
    requests.push_back(attach_request(*ready_[at]));
  return requests;
}

void AttachQueue::skip_waiting() {
  while (at_ < ready_.size() && has_ancestor(ready_[at_]->delegation->cgroup, awaited_))
    ++at_;
}

}  // namespace fief
