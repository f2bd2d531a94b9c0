// SPDX-License-Identifier: GPL-2.0-only
#include "control/subject.hpp"

#include "control/candidate.hpp"

namespace fief {

// A pattern goes by its name alone.
std::optional<Subject> find_subject(const Policy& written, const Policy& resolved,
                                    const std::string& text) {
  if (const auto* delegation = find_delegation(resolved, text))
    return Subject{delegation->name, delegation->cgroup};
  for (const auto& pattern : written.patterns)
    if (pattern.delegation.name == text)
      return Subject{text, {}};
  return std::nullopt;
}

bool is_about(const Subject& subject, const Delegation& delegation) {
  return subject.cgroup.empty() ? delegation.pattern == subject.name
                                : delegation.cgroup == subject.cgroup;
}

// What is not there can be nothing else.
Status in_force(const Subject* subject, const Policy& policy, const CgroupTree& cgroups,
                const Children& children) {
  for (const auto& delegation : policy.delegations) {
    if (subject != nullptr && !is_about(*subject, delegation))
      continue;
    const auto* node = cgroups.find(delegation.cgroup);
    if (node == nullptr)
      continue;
    const auto state = children.state(delegation, node->id);
    if (state == SchedulerState::backing_off || state == SchedulerState::quarantined)
      return fail(Errc::kernel,
                  "{} has no scheduler of its own: {}; \"fiefctl revert {}\" takes a change back",
                  delegation.cgroup, children.last_error(delegation), delegation.name);
  }
  return {};
}

}  // namespace fief
