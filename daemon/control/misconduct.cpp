// SPDX-License-Identifier: GPL-2.0-only
#include "control/misconduct.hpp"

#include <algorithm>
#include <utility>

namespace fief {

bool Misconduct::is_due(CgroupId cgroup, Time now) const {
  const auto last = last_.find(cgroup);
  return last == last_.end() || now - last->second.at >= kInterval;
}

std::optional<double> Misconduct::look(CgroupId cgroup, std::uint64_t denied, Time now) {
  const auto [known, is_first] = last_.try_emplace(cgroup, Look{denied, now});
  if (is_first)
    return std::nullopt;
  const auto before = std::exchange(known->second, Look{denied, now});
  const std::chrono::duration<double> passed = now - before.at;
  if (denied < before.denied || passed.count() <= 0)
    return std::nullopt;
  return static_cast<double>(denied - before.denied) / passed.count();
}

void Misconduct::retain(const std::set<CgroupId>& watched) {
  std::erase_if(last_, [&watched](const auto& entry) { return !watched.contains(entry.first); });
}

std::optional<Misconduct::Time> Misconduct::next_look() const {
  const auto oldest =
      std::ranges::min_element(last_, {}, [](const auto& entry) { return entry.second.at; });
  if (oldest == last_.end())
    return std::nullopt;
  return oldest->second.at + kInterval;
}

}  // namespace fief
