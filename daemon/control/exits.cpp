// SPDX-License-Identifier: GPL-2.0-only
#include "control/exits.hpp"

#include "kernel/exit_kind.hpp"

namespace fief {

ExitClass classify(const ExitInfo& exit) {
  if ((exit.code & exit_kind::kCodeRestart) != 0)
    return ExitClass::restart;
  switch (exit.kind) {
    case exit_kind::kUnregistered:
      return ExitClass::requested;
    case exit_kind::kUnregisteredByKernel:
      return (exit.code & exit_kind::kCodeReasonMask) == exit_kind::kCodeCgroupOffline
                 ? ExitClass::cgroup_removed
                 : ExitClass::failed;
    case exit_kind::kParentExited:
      return ExitClass::with_parent;
    case exit_kind::kKilledByParent:
    case exit_kind::kSysrq:
      return ExitClass::killed;
    default:
      return ExitClass::failed;
  }
}

std::string_view detach_reason(ExitClass exit) {
  switch (exit) {
    case ExitClass::requested:
      return "requested";
    case ExitClass::cgroup_removed:
      return "cgroup-removed";
    case ExitClass::killed:
      return "killed";
    case ExitClass::with_parent:
    case ExitClass::restart:
    case ExitClass::failed:
      break;
  }
  return "exited";
}

std::string describe(const ExitInfo& exit) {
  if (exit.kind == exit_kind::kNone)
    return "it left no record of why";
  auto text = exit.reason.empty() ? std::string("ended") : exit.reason;
  if (!exit.message.empty())
    text += ": " + exit.message;
  return fmt::format("{} (kind {})", text, exit.kind);
}

}  // namespace fief
