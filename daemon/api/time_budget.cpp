// SPDX-License-Identifier: GPL-2.0-only
#include "api/time_budget.hpp"

#include <algorithm>

namespace fief::dbus {

bool TimeBudget::may_spend(const std::string& client, Time now) const {
  const auto found = paid_at_.find(client);
  return found == paid_at_.end() || found->second - now < at_once_ * parts_;
}

// Those who owe nothing are forgotten when somebody new comes, so there are no more entries than
// clients within the time that paying takes.
void TimeBudget::spend(const std::string& client, Cost cost, Time now) {
  if (!paid_at_.contains(client))
    forget_paid(now);
  auto& paid_at = paid_at_.try_emplace(client, now).first->second;
  paid_at = std::max(paid_at, now) + cost * parts_;
}

void TimeBudget::rename(const std::string& client, const std::string& other, Time now) {
  const auto owed = paid_at_.extract(client);
  if (!owed.empty() && owed.mapped() > now)
    spend(other, (owed.mapped() - now) / parts_, now);
}

void TimeBudget::forget_paid(Time now) {
  std::erase_if(paid_at_, [now](const auto& entry) { return entry.second <= now; });
}

}  // namespace fief::dbus
