// SPDX-License-Identifier: GPL-2.0-only
// What changed from one status to the next, in the names of the D-Bus properties. Pure.
//
// Usage and counters change all the time; they are read, not announced, and never differ here.
#pragma once

#include <string>
#include <vector>

#include "status/views.hpp"

namespace fief {

struct ChangedObject {
  CgroupId cgroup;
  std::vector<std::string> properties;
  friend bool operator==(const ChangedObject&, const ChangedObject&) = default;
};

struct StatusDiff {
  std::vector<std::string> manager;  ///< properties of the Manager
  std::vector<CgroupId> removed;     ///< schedulers whose object goes
  std::vector<CgroupId> added;
  std::vector<ChangedObject> changed;
};

StatusDiff diff(const StatusView& before, const StatusView& after);

}  // namespace fief
