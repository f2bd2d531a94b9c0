// SPDX-License-Identifier: GPL-2.0-only
#include "core/time_account.hpp"

#include <algorithm>

namespace fief {

void TimeAccount::spend(Cost cost, Time now) {
  paid_at_ = std::max(paid_at_, now) + cost * parts_;
}

TimeAccount::Cost TimeAccount::pause(Time now) const {
  return std::clamp<Cost>(may_spend_after() - now, Cost{}, kLongestPause);
}

TimeAccount::Cost TimeAccount::owed(Time now) const {
  return std::max(Cost{}, (paid_at_ - now) / parts_);
}

}  // namespace fief
