// SPDX-License-Identifier: GPL-2.0-only
#include "control/schedulers/ages.hpp"

#include <utility>

namespace fief {

void Ages::note(const Policy& policy, const CgroupTree& cgroups, Time now) {
  const auto before = std::exchange(sightings_, {});
  for (const auto& delegation : policy.delegations) {
    if (delegation.min_age == delegation.min_age.zero())
      continue;
    const auto* node = cgroups.find(delegation.cgroup);
    if (node == nullptr)
      continue;
    const auto known = before.find(delegation.cgroup);
    // Another cgroup may have come under the same path.
    const bool is_known = known != before.end() && known->second.cgroup == node->id;
    const auto of_new = is_first_look_ ? now : now + delegation.min_age;
    sightings_.emplace(delegation.cgroup, is_known
                                              ? known->second
                                              : Sighting{.cgroup = node->id, .old_enough = of_new});
  }
  is_first_look_ = false;
}

void Ages::forgive() {
  sightings_.clear();
  is_first_look_ = true;
}

void Ages::forgive(const std::string& path) {
  if (const auto known = sightings_.find(path); known != sightings_.end())
    known->second.old_enough = {};
}

std::optional<Ages::Time> Ages::old_enough_at(std::string_view path, Time now) const {
  const auto known = sightings_.find(path);
  if (known == sightings_.end() || known->second.old_enough <= now)
    return std::nullopt;
  return known->second.old_enough;
}

std::optional<Ages::Time> Ages::next(Time now) const {
  std::optional<Time> earliest;
  for (const auto& [path, sighting] : sightings_)
    if (sighting.old_enough > now && (!earliest || sighting.old_enough < *earliest))
      earliest = sighting.old_enough;
  return earliest;
}

}  // namespace fief
