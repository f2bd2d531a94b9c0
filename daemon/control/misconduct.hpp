// SPDX-License-Identifier: GPL-2.0-only
// Which schedulers ask too often for what is not theirs: the kernel refuses every time, and counts.
// Pure: counts and time come in as arguments.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "core/ids.hpp"

namespace fief {

class Misconduct {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// From one look at a scheduler's count to the next: a burst is not held against anybody.
  static constexpr std::chrono::seconds kInterval{5};

  /// Whether the count of @p cgroup's scheduler is to be read now.
  [[nodiscard]] bool is_due(CgroupId cgroup, Time now) const;
  /// Takes in a count. What was refused since the last look, a second; nothing at the first look,
  /// and when the count has begun anew.
  std::optional<double> look(CgroupId cgroup, std::uint64_t denied, Time now);
  /// Forgets all others.
  void retain(const std::set<CgroupId>& watched);
  /// When the next look is due, if anybody is watched.
  [[nodiscard]] std::optional<Time> next_look() const;

 private:
  struct Look {
    std::uint64_t denied;
    Time at;
  };
  std::map<CgroupId, Look> last_;
};

}  // namespace fief
