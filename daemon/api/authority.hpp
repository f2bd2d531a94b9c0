// SPDX-License-Identifier: GPL-2.0-only
// Who may change things: root always, others as polkit decides. Asynchronous throughout: the
// answer may take as long as a person takes to type a password.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "api/calls.hpp"
#include "core/result.hpp"

namespace fief::dbus {

/// Everything that alters who gets which CPUs.
inline constexpr char kReconfigureAction[] = "org.fief.Fief1.reconfigure";
/// Everything that may load another scheduler into the kernel.
inline constexpr char kLoadSchedulerAction[] = "org.fief.Fief1.load-scheduler";

struct Sender {
  std::string name;  ///< unique bus name, ":1.42"
  uid_t uid = 0;
  pid_t pid = 0;  ///< 0: the bus does not know
};

class Authority {
 public:
  using Then = std::function<void(Result<Sender>)>;

  /// @p calls must outlive this.
  explicit Authority(PendingCalls& calls) : calls_(calls) {}

  /// Finds out whether the sender of @p request may do @p action (a polkit action id). @p then is
  /// called in a later turn, with Errc::denied if not, and never if the bus is lost meanwhile.
  void check(sd_bus_message& request, const char* action, const Then& then);

 private:
  void ask_polkit(sd_bus_message& request, const char* action, const Sender& sender,
                  const Then& then);

  PendingCalls& calls_;
};

}  // namespace fief::dbus
