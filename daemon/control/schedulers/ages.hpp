// SPDX-License-Identifier: GPL-2.0-only
// Cgroups that are not old enough yet for a scheduler of their own ("min_age_ms"). By when they
// were first seen: cgroupfs does not keep when a directory was made.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cgroup/tree.hpp"
#include "policy/policy.hpp"

namespace fief {

class Ages {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Takes in which cgroups of delegations of @p policy there are by @p now. Those that were not
  /// there at the last look are young until the min_age of their delegation has passed. The first
  /// look finds all old enough: nobody knows since when they are there.
  void note(const Policy& policy, const CgroupTree& cgroups, Time now);
  /// The next look is a first one.
  void forgive();
  /// The cgroup @p path is old enough, however young it is.
  void forgive(const std::string& path);

  /// When the cgroup @p path will be old enough; nothing: it is by @p now, or is not there.
  [[nodiscard]] std::optional<Time> old_enough_at(std::string_view path, Time now) const;
  /// When the next one is old enough after @p now.
  [[nodiscard]] std::optional<Time> next(Time now) const;

 private:
  struct Sighting {
    CgroupId cgroup;
    Time old_enough;
  };
  std::map<std::string, Sighting, std::less<>> sightings_;  ///< by path, where an age is asked for
  bool is_first_look_ = true;
};

}  // namespace fief
