// SPDX-License-Identifier: GPL-2.0-only
// How soon the daemon follows weights that are written: from the kernel's word of one, through its
// turn, to the plan that is observed to be in force. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "status/views.hpp"

namespace fief {

class Reactions {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// At @p now the daemon hears of a weight that was written at @p written.
  void heard(Time written, Time now);
  /// A turn begins, for all that was heard of.
  void begun(Time now);
  /// The kernel holds the plan of the turn that has begun.
  void in_force(Time now);

  [[nodiscard]] const ReactionTimes& times() const { return times_; }

 private:
  /// When those weights were written that no plan in force has yet: first those that a turn has
  /// begun for.
  std::vector<Time> waiting_;
  std::size_t begun_ = 0;
  ReactionTimes times_;
};

}  // namespace fief
