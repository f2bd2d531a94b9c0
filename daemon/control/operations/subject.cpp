// SPDX-License-Identifier: GPL-2.0-only
#include "control/operations/subject.hpp"

#include <fmt/ranges.h>

#include <string_view>
#include <vector>

#include "policy/find.hpp"
#include "policy/suggest.hpp"

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

tl::unexpected<Error> nothing_called(const std::string& text, const Policy& resolved,
                                     const CgroupTree& cgroups) {
  const auto path = path_meant(text, cgroups);
  if (cgroups.find(path) != nullptr && find_delegation(resolved, path) == nullptr)
    return fail(Errc::not_found,
                "the policy has no delegation of {}; \"fiefctl attach {}\" makes one", path, path);
  std::vector<std::string> alike;
  for (const auto& delegation : resolved.delegations)
    if (delegation.cgroup.ends_with('/' + text))
      alike.push_back(delegation.cgroup);
  if (alike.size() > 1)
    return fail(Errc::not_found, "\"{}\" may be {}: type the whole path", text,
                fmt::join(alike, " or "));
  std::vector<std::string_view> names;
  names.reserve(resolved.delegations.size());
  for (const auto& delegation : resolved.delegations)
    names.push_back(delegation.name);
  return fail(Errc::not_found,
              "the policy has no delegation with the name or cgroup \"{}\", and there is no such "
              "unit or cgroup{}",
              text, did_you_mean(text, names));
}

std::string path_meant(const std::string& text, const CgroupTree& cgroups) {
  if (text.starts_with('/'))
    return text;
  const auto paths = cgroups_of_unit(cgroups, text);
  return paths.size() == 1 ? paths.front() : text;
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
    if (const auto why = children.why_not_replaced(delegation, node->id); !why.empty())
      return fail(
          Errc::kernel,
          "{} keeps its scheduler {}, since {} cannot take its place: {}; \"fiefctl revert {}\" "
          "takes a change back",
          delegation.cgroup, children.scheduler_at(node->id), delegation.scheduler, why,
          delegation.name);
  }
  return {};
}

}  // namespace fief
