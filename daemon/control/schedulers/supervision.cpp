// SPDX-License-Identifier: GPL-2.0-only
#include "control/schedulers/supervision.hpp"

#include <algorithm>
#include <utility>

#include "core/backoff.hpp"
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

void Supervision::failed(Time now, const RestartPolicy& policy, double jitter, std::string why) {
  std::erase_if(failures_, [now](Time at) { return now - at > kMemory; });
  failures_.push_back(now);
  if (!policy.enabled || failures_.size() >= policy.quarantine_after)
    return gave_up(std::move(why));
  const Backoff backoff(policy.first_delay, policy.max_delay);
  retry_at_ = now + jittered(backoff.after(failures_.size()), jitter);
  last_error_ = std::move(why);
}

void Supervision::gave_up(std::string why) {
  quarantined_ = true;
  retry_at_.reset();
  last_error_ = std::move(why);
}

void Supervision::succeeded() {
  retry_at_.reset();
  if (failures_.empty())
    last_error_.clear();
}

bool Misconduct::is_due(CgroupId cgroup, Time now) const {
  const auto last = last_.find(cgroup);
  return last == last_.end() || now - last->second.at >= kInterval;
}

std::optional<double> Misconduct::look(CgroupId cgroup, std::uint64_t denied, Time now) {
  const auto [known, is_first] = last_.try_emplace(cgroup, Look{denied, now});
  if (is_first)
    return std::nullopt;
  const auto before = std::exchange(known->second, Look{denied, now});
  const std::chrono::duration<double> passed = now - before.at;
  if (denied < before.denied || passed.count() <= 0)
    return std::nullopt;
  return static_cast<double>(denied - before.denied) / passed.count();
}

void Misconduct::retain(const std::set<CgroupId>& watched) {
  std::erase_if(last_, [&watched](const auto& entry) { return !watched.contains(entry.first); });
}

std::optional<Misconduct::Time> Misconduct::next_look() const {
  const auto oldest =
      std::ranges::min_element(last_, {}, [](const auto& entry) { return entry.second.at; });
  if (oldest == last_.end())
    return std::nullopt;
  return oldest->second.at + kInterval;
}

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
