// SPDX-License-Identifier: GPL-2.0-only
#include "backend/time_budget.hpp"

#include <fmt/format.h>

namespace fief {

bool TimeBudget::may_spend(const std::string& client, Time now) const {
  const auto found = accounts_.find(client);
  return found == accounts_.end() || found->second.may_spend(now);
}

TimeBudget::Cost TimeBudget::pause(const std::string& client, Time now) const {
  const auto found = accounts_.find(client);
  return found == accounts_.end() ? Cost{} : found->second.pause(now);
}

// Those who owe nothing are forgotten when somebody new comes, so there are no more entries than
// clients within the time that paying takes.
void TimeBudget::spend(const std::string& client, Cost cost, Time now) {
  if (!accounts_.contains(client))
    forget_paid(now);
  accounts_.try_emplace(client, opening_).first->second.spend(cost, now);
}

void TimeBudget::rename(const std::string& client, const std::string& other, Time now) {
  const auto account = accounts_.extract(client);
  if (!account.empty())
    if (const auto owed = account.mapped().owed(now); owed > Cost{})
      spend(other, owed, now);
}

void TimeBudget::forget_paid(Time now) {
  std::erase_if(accounts_, [now](const auto& entry) { return entry.second.owed(now) == Cost{}; });
}

std::string account_of(uid_t uid) {
  return fmt::format("uid {}", uid);
}

}  // namespace fief
