// SPDX-License-Identifier: GPL-2.0-only
// Who may change things: root always, owners of cgroups what they are let, others as polkit
// decides. Asynchronous throughout: the answer may take as long as a person takes to type a
// password.
#pragma once

#include <functional>
#include <string>

#include "api/calls.hpp"
#include "backend/changes.hpp"
#include "core/result.hpp"

namespace fief::dbus {

class Authority {
 public:
  using Then = std::function<void(Result<Sender>)>;

  /// @p calls must outlive this.
  explicit Authority(PendingCalls& calls) : calls_(calls) {}

  /// Whether a user may do it as a tenant; Errc::denied says why not.
  using TenantCheck = std::function<Status(uid_t)>;

  /// Finds out whether the sender of @p request has @p permission, or may do it as a tenant.
  /// @p then is called in a later turn, with Errc::denied if not, and never if the bus is lost
  /// meanwhile.
  void check(sd_bus_message& request, Permission permission, const TenantCheck& tenant,
             const Then& then);

 private:
  void ask_polkit(sd_bus_message& request, const char* action, const Sender& sender,
                  const std::string& no_tenant, const Then& then);

  PendingCalls& calls_;
};

}  // namespace fief::dbus
