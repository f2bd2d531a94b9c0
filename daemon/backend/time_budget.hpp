// SPDX-License-Identifier: GPL-2.0-only
// How much of the loop's time each client may have. Users have one account, whatever way and
// however many connections they call by.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "core/time_account.hpp"

namespace fief {

/// A TimeAccount for each client.
class TimeBudget {
 public:
  using Time = TimeAccount::Time;
  using Cost = TimeAccount::Cost;

  /// A second of the loop's time at once is thousands of reads; a twentieth of it from then on
  /// keeps ten users who do their worst from having more than half.
  TimeBudget() : TimeBudget(std::chrono::seconds{1}, 20) {}
  TimeBudget(Cost at_once, unsigned parts) : opening_(at_once, parts) {}

  [[nodiscard]] bool may_spend(const std::string& client, Time now) const;
  /// How long a client that may not spend is to wait before it asks again.
  [[nodiscard]] Cost pause(const std::string& client, Time now) const;
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

/// How the account of @p uid is called, which is not root.
std::string account_of(uid_t uid);

}  // namespace fief
