// SPDX-License-Identifier: GPL-2.0-only
// Keeps any one user from having the loop to itself: calls cost the time that they took, and
// whoever has used up their part is refused with org.freedesktop.DBus.Error.LimitsExceeded until
// some has passed.
//
// Users are told apart by uid, so that more connections do not bring more time. What root runs
// counts by connection: a monitor gone wild must not lock the administrator out. A sender is asked
// for at the bus with its first call, and counts by its connection until the answer is there.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>

#include "api/calls.hpp"
#include "backend/time_budget.hpp"
#include "core/result.hpp"

namespace fief::dbus {

class Admission {
 public:
  /// @p calls and @p budget must outlive this.
  Admission(PendingCalls& calls, TimeBudget& budget);

  /// From now on every method call that comes in by @p bus is judged. This object must outlive it.
  Status guard(sd_bus& bus);
  /// The call that was let in last, if it was not charged yet, has taken @p cost.
  void charge(std::chrono::nanoseconds cost);
  /// What is done from now on, in an answer to this daemon, is done for the sender of @p request
  /// and charged like a call; by now it may be known who that is. False: their part is used up, and
  /// @p request is refused.
  bool admit_again(sd_bus_message& request) { return admit(request) == 0; }
  /// The bus is lost, and with it every name.
  void forget_names() { clients_.clear(); }

 private:
  static int on_message(sd_bus_message* message, void* userdata, sd_bus_error* error);

  int admit(sd_bus_message& call);
  const std::string& client_of(sd_bus_message& call);
  void ask_user(sd_bus_message& call, const std::string& name);
  void learn(const std::string& name, uid_t user);

  PendingCalls& calls_;
  TimeBudget& budget_;
  std::unordered_map<std::string, std::string> clients_;  ///< who is charged, by unique name
  std::optional<std::string> current_;                    ///< who is to be charged next
};

}  // namespace fief::dbus
