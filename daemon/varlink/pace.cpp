// SPDX-License-Identifier: GPL-2.0-only
#include "varlink/pace.hpp"

#include <algorithm>

namespace fief::varlink {

Pace::Time Pace::admit(uid_t uid, Time now) {
  std::erase_if(paid_until_, [now](const auto& entry) { return entry.second <= now; });
  auto& paid = paid_until_.try_emplace(uid, now).first->second;
  paid += interval_;
  return std::max(now, paid - slack_);
}

}  // namespace fief::varlink
