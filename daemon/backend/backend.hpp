// SPDX-License-Identifier: GPL-2.0-only
// What those need of the daemon who carry people's requests to it, and what the daemon tells them.
// The controller implements Backend; the D-Bus service registers itself as its StatusListener.
// Nothing here decides.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "core/result.hpp"
#include "policy/change.hpp"
#include "policy/show.hpp"
#include "status/views.hpp"

namespace fief {

enum class Lifetime {
  persistent,     ///< written to the administrator's drop-ins
  until_restart,  ///< of the daemon
};

/// Why something is as it is, or what would become of it.
struct ExplanationTexts {
  std::string text;  ///< lines, each ended by a newline
  std::string json;  ///< one document, one line
};

/// Who asks for a change.
struct Requester {
  uid_t uid = 0;
  bool is_tenant = false;  ///< may do so by Backend::check_tenant() alone
};

/// A change of one delegation.
struct ChangeRequest {
  /// Its name, its cgroup's path, or the last part of that path where only one ends so.
  std::string subject;
  ChangedKeys keys;  ///< new values, by the policy's keys
  Lifetime lifetime = Lifetime::persistent;
  Requester requester{};
};

/// What changes without an event, and is read from the kernel's files: CPU time.
enum class Figures : bool { leave_out, read };

/// Each change answers by @p done: once the kernel has been observed in the new state, or with why
/// nothing has changed. Errc::not_found: there is no such delegation, cgroup or scheduler;
/// Errc::invalid: a key or value the policy cannot have; Errc::infeasible: more than there is.
/// An Errc::kernel or Errc::stale says that the change stands but is not in force (yet).
class Backend {
 public:
  using Done = std::function<void(Status)>;

  virtual ~Backend() = default;

  /// The present state. A read of cpu.stat gathers what all CPUs know, so whoever looks often, or
  /// while a change waits, leaves the figures out: they are 0 then.
  [[nodiscard]] virtual StatusView status(Figures figures) const = 0;

  /// Reads, validates, plans and puts in force the policy files. What was changed until a restart
  /// stays, as far as the files still have the delegation.
  virtual void reload(Done done) = 0;

  /// Whether @p uid may ask for it because the cgroup is theirs, and a delegation above lets such
  /// owners ("tenants", fief-policy(5)). Errc::denied says why not.
  [[nodiscard]] virtual Status check_tenant(const ChangeRequest& request, uid_t uid) const = 0;

  /// What reload() would change now, or why it would be refused; nothing is changed.
  [[nodiscard]] virtual Result<ExplanationTexts> preview_reload() const = 0;

  /// Changes keys of a delegation of the policy.
  virtual void change(const ChangeRequest& request, Done done) = 0;
  /// Delegates a cgroup that is not delegated, or gives one that is left out another chance.
  virtual void attach(const ChangeRequest& request, Done done) = 0;
  /// Ends a delegation; its policy stays for another attach.
  virtual void detach(const ChangeRequest& request, Done done) = 0;
  /// Undoes every change of a delegation that was asked for here, persistent ones as well.
  virtual void revert(const std::string& subject, Done done) = 0;
  /// Ends a scheduler, own or foreign, as a failure would. An own one is tried again.
  virtual void kill(const std::string& subject, const std::string& reason, Done done) = 0;
  /// Reads everything afresh and plans; with @p from_scratch without regard to who has what.
  virtual void replan(bool from_scratch, Done done) = 0;

  /// Detaches every scheduler and ends the daemon; answered before it ends.
  virtual void leave(Done done) = 0;

  /// change() for as long as @p hold, an id above 0, is held; its lifetime does not count.
  virtual void boost(std::uint64_t hold, const ChangeRequest& request, Done done) = 0;
  /// Takes back what boost() changed.
  virtual void release(std::uint64_t hold) = 0;

  /// The plan in force with its machine and cgroups, as a document (status/plan_document.hpp).
  [[nodiscard]] virtual std::string plan() const = 0;
  /// Every value of the policy in force, and where each was set.
  [[nodiscard]] virtual const ShownPolicy& policy() const = 0;
  /// @p subject: a delegation as in ChangeRequest, the path of any cgroup with a scheduler ("/":
  /// the root), or a CPU's number. Errc::not_found.
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
