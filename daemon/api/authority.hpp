// SPDX-License-Identifier: GPL-2.0-only
// Who may change things: root always, owners of cgroups what they are let, others as polkit
// decides. Asynchronous throughout: the answer may take as long as a person takes to type a
// password. So many wait for a person at once, of each user and of all, and those of clients that
// leave are withdrawn: the bus lets the daemon wait for so many answers, and others ask as well.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/calls.hpp"
#include "backend/carry_out.hpp"
#include "backend/quota.hpp"
#include "core/result.hpp"

namespace fief::dbus {

class Authority {
 public:
  using Then = std::function<void(Result<Sender>)>;

  /// @p calls must outlive this.
  explicit Authority(PendingCalls& calls) : calls_(calls) {}
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  Authority(Authority&&) = delete;
  Authority& operator=(Authority&&) = delete;
  ~Authority() = default;

  /// Whether a user may do it as a tenant; Errc::denied says why not.
  using TenantCheck = std::function<Status(uid_t)>;

  /// Finds out whether the sender of @p request has @p permission, or may do it as a tenant.
  /// @p then is called in a later turn, with Errc::denied if not, and never if the bus is lost
  /// meanwhile.
  void check(sd_bus_message& request, Permission permission, const TenantCheck& tenant,
             const Then& then);

 private:
  // More than a person has reason to answer at once; and fewer than the bus lets anybody wait for.
  static constexpr std::size_t kMaxOfOneUser = 4;
  static constexpr std::size_t kMaxQuestions = 64;

  /// What polkit is asked and a person may have to answer.
  struct Question;

  void ask_polkit(sd_bus_message& request, const char* action, const Sender& sender,
                  const std::string& no_tenant, const Then& then);
  Result<std::shared_ptr<Question>> open_question(sd_bus_message& request, const Sender& sender);
  static int on_client_left(sd_bus_track* client, void* userdata);

  PendingCalls& calls_;
  Quota of_one_user_{kMaxOfOneUser};
  Quota of_all_{kMaxQuestions};
  std::uint64_t last_question_ = 0;
};

}  // namespace fief::dbus
