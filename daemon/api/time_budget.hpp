// SPDX-License-Identifier: GPL-2.0-only
// How much of the loop's time each client may have.
#pragma once

#include <map>
#include <string>

#include "core/time_account.hpp"

namespace fief::dbus {

/// A TimeAccount for each client.
class TimeBudget {
 public:
  using Time = TimeAccount::Time;
  using Cost = TimeAccount::Cost;

  TimeBudget(Cost at_once, unsigned parts) : opening_(at_once, parts) {}

  [[nodiscard]] bool may_spend(const std::string& client, Time now) const;
  void spend(const std::string& client, Cost cost, Time now);
  /// From now on @p client is known as @p other, and what it owes is the other's.
  void rename(const std::string& client, const std::string& other, Time now);
  /// Of clients that owe something.
  [[nodiscard]] std::size_t size() const { return accounts_.size(); }

 private:
  void forget_paid(Time now);

  TimeAccount opening_;
  std::map<std::string, TimeAccount> accounts_;
};

}  // namespace fief::dbus
