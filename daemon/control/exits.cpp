// SPDX-License-Identifier: GPL-2.0-only
#include "control/exits.hpp"

#include "kernel/exit_kind.hpp"

namespace fief {
namespace {

// Empty: not one that is known.
std::string_view words_for(std::uint32_t kind) {
  switch (kind) {
    case exit_kind::kDone:
      return "it had ended already";
    case exit_kind::kUnregistered:
      return "unregistered from user space";
    case exit_kind::kUnregisteredByBpf:
      return "unregistered from BPF";
    case exit_kind::kUnregisteredByKernel:
      return "unregistered by the kernel";
    case exit_kind::kSysrq:
      return "ended by SysRq-S";
    case exit_kind::kParentExited:
      return "the scheduler above it ended";
    case exit_kind::kKilledByParent:
      return "ended by the scheduler above it";
    case exit_kind::kError:
      return "runtime error";
    case exit_kind::kErrorOfBpf:
      return "it gave up with an error";
    case exit_kind::kStall:
      return "a task that could run was not run";
    case exit_kind::kReenqueuedTooOften:
      return "a task was enqueued again and again";
    case exit_kind::kRescuedInVain:
      return "a task that had to be rescued was not run";
    default:
      return {};
  }
}

// What the kernel writes where it has no words itself.
constexpr std::string_view kNoReason = "<UNKNOWN>";

std::string reason_of(const ExitInfo& exit) {
  if (!exit.reason.empty() && exit.reason != kNoReason)
    return exit.reason;
  const auto words = words_for(exit.kind);
  return words.empty() ? fmt::format("exit kind {}", exit.kind) : std::string(words);
}

}  // namespace

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
  const auto reason = reason_of(exit);
  return exit.message.empty() ? reason : fmt::format("{}: {}", reason, exit.message);
}

}  // namespace fief
