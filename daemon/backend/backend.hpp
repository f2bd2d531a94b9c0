// SPDX-License-Identifier: GPL-2.0-only
// What those need of the daemon who carry people's requests to it, and what the daemon tells them.
// The controller implements Backend; the D-Bus service registers itself as its StatusListener.
// Nothing here decides.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "backend/operation.hpp"
#include "core/result.hpp"
#include "policy/show.hpp"
#include "status/views.hpp"

namespace fief {

/// Why something is as it is, or what would become of it.
struct ExplanationTexts {
  std::string text;  ///< lines, each ended by a newline
  std::string json;  ///< one document, one line
};

/// What changes without an event, and is read from the kernel's files: CPU time, and what is
/// counted.
enum class Figures : bool { leave_out, read };

/// Each operation answers by @p done: once the kernel has been observed in the new state, or with
/// why nothing has changed. Errc::not_found: there is no such delegation, cgroup or scheduler;
/// Errc::invalid: a key or value the policy cannot have; Errc::infeasible: more than there is.
/// An Errc::kernel or Errc::stale says that the change stands but is not in force (yet).
class Backend {
 public:
  using Done = std::function<void(Status)>;

  virtual ~Backend() = default;

  /// The present state. A read of cpu.stat gathers what all CPUs know, and the kernel's counts are
  /// a file for each scheduler, so whoever looks often, or while a change waits, leaves the figures
  /// out: they are 0 then.
  [[nodiscard]] virtual StatusView status(Figures figures) const = 0;

  /// Does @p operation, which check() has nothing against, for @p requester, who may ask for it.
  virtual void perform(const Operation& operation, const Requester& requester, Done done) = 0;
  /// Takes back what a Boost of @p hold changed.
  virtual void release(std::uint64_t hold) = 0;

  /// Whether @p uid may ask for it because the cgroup is theirs, and a delegation above lets such
  /// owners ("tenants", fief-policy(5)). Errc::denied says why not.
  [[nodiscard]] virtual Status check_tenant(const OwnersWish& wish, uid_t uid) const = 0;

  /// What a Reload would change now, or why it would be refused; nothing is changed.
  [[nodiscard]] virtual Result<ExplanationTexts> preview_reload() const = 0;

  /// The plan in force with its machine and cgroups, as a document (status/plan_document.hpp).
  [[nodiscard]] virtual std::string plan() const = 0;
  /// Every value of the policy in force, and where each was set.
  [[nodiscard]] virtual const ShownPolicy& policy() const = 0;
  /// @p subject: a delegation as an operation names it, the path of any cgroup with a scheduler
  /// ("/": the root), or a CPU's number. Errc::not_found.
  [[nodiscard]] virtual Result<ExplanationTexts> explain(const std::string& subject) const = 0;
};

class StatusListener {
 public:
  virtual ~StatusListener() = default;
  /// Something that status() shows has changed.
  virtual void status_changed() = 0;
  /// The kernel reported it, and observation confirmed it.
  virtual void scheduler_attached(const SchedulerView& scheduler) = 0;
  /// @p reason: "requested", "cgroup-removed", "exited", "killed", "daemon-stopping".
  virtual void scheduler_detached(const SchedulerView& scheduler, const std::string& reason) = 0;
};

}  // namespace fief
