// SPDX-License-Identifier: GPL-2.0-only
#include "status/views.hpp"

#include <array>
#include <utility>

namespace fief {

std::string_view to_string(SchedulerState state) {
  static constexpr std::array<std::string_view, 6> kNames{"waiting",     "attaching",   "attached",
                                                          "backing-off", "quarantined", "detached"};
  return kNames.at(static_cast<std::size_t>(state));
}

}  // namespace fief
