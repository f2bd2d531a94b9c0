// SPDX-License-Identifier: GPL-2.0-only
// The one small port behind which the kernel sits. Two implementations: the real one (libbpf,
// kernel/bpf_kernel.hpp) and a model of the cap rules for tests (tests/support/model_kernel.hpp).
//
// All calls and callbacks run on the daemon's loop thread. Calls that load or attach are slow
// (verification, and an enable that walks all tasks), so their outcome arrives by callback; the
// others return within microseconds to a few milliseconds.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time_histogram.hpp"
#include "events/event.hpp"
#include "grants/grants.hpp"
#include "plan/plan.hpp"
#include "policy/policy.hpp"
#include "policy/scheduler_options.hpp"
#include "topology/topology.hpp"

namespace fief {

struct AttachRequest {
  CgroupId cgroup;
  std::string path;       ///< for messages
  std::string scheduler;  ///< object name, e.g. "fair"
  Options options;
  friend bool operator==(const AttachRequest&, const AttachRequest&) = default;
};

/// Counters of one scheduler since it was attached; of a foreign one only what its parent and the
/// kernel know: borrowed_ns, lent_ns and denied.
struct Counters {
  std::uint64_t enqueued = 0;
  std::uint64_t direct = 0;
  std::uint64_t reenq_cap = 0;
  std::uint64_t reenq_immed = 0;
  std::uint64_t reenq_preempted = 0;
  std::uint64_t reenq_other = 0;
  std::uint64_t rescued = 0;
  std::uint64_t reclaims = 0;         ///< own CPUs taken back from a borrower
  std::uint64_t aged = 0;             ///< tasks that ran for their age, before those due first
  std::uint64_t parked = 0;           ///< tasks kept back by a limit
  std::uint64_t graced = 0;           ///< of these: ran for a moment before the watchdog minds
  std::uint64_t limit_periods = 0;    ///< of the limits of its cgroup and those below
  std::uint64_t limit_throttled = 0;  ///< periods in which all was used up
  std::uint64_t borrowed_ns = 0;      ///< CPU time used of what others left idle
  std::uint64_t denied = 0;           ///< what the kernel refused it, by its own count
  std::uint64_t lent_ns = 0;          ///< CPU time others used of what it is due and left idle
  TimeHistogram wake_waits;
};

/// How a scheduler ended. kind: enum scx_exit_kind; 0 while it runs.
struct ExitInfo {
  std::uint32_t kind = 0;
  std::int64_t code = 0;
  std::string reason;
  std::string message;
  std::string dump;
};

/// A child scheduler that an earlier daemon attached.
struct AdoptedScheduler {
  AttachRequest request;  ///< of the daemon that attached it
  bool current = true;    ///< its object file is still the one it was loaded from
};

/// What an earlier daemon left attached, and this one goes on with.
struct Adoption {
  std::optional<AdoptedScheduler> root;  ///< none: there is nothing to go on with
  std::optional<ExitInfo> root_exit;     ///< it had left a root, which has ended since
  std::vector<AdoptedScheduler> children;
  Plan plan;                           ///< in force, as far as the schedulers' tables tell
  std::vector<std::string> discarded;  ///< a sentence for each scheduler that could not be adopted
};

/// One attached scheduler as the kernel shows it.
struct ObservedScheduler {
  CgroupId cgroup;  ///< kSelf for the root
  CgroupId parent;
  std::string name;      ///< ops name, e.g. "fief_fair"
  bool foreign = false;  ///< not loaded by this daemon
  HeldCaps held;
  std::optional<Activity> activity{};  ///< as its parent has published it; none: not yet
  friend bool operator==(const ObservedScheduler&, const ObservedScheduler&) = default;
};

/// The kernel's state, read back, never assumed.
struct Observation {
  bool root_enabled = false;
  std::vector<ObservedScheduler> schedulers;  ///< root first, then ascending by cgroup

  [[nodiscard]] const ObservedScheduler* find(CgroupId cgroup) const;
};

/// Outcome of one apply: empty when every operation was accepted.
struct RefusedOp {
  GrantOp op;
  int error = 0;   ///< errno, positive
  CidSet refused;  ///< cids the kernel did not grant
};

class KernelPort {
 public:
  virtual ~KernelPort() = default;

  using Done = std::function<void(Status)>;
  using EventSink = std::function<void(const Event&)>;

  /// Whether this kernel can do what fief needs. Errc::unsupported and Errc::denied are final.
  virtual Status probe() = 0;
  /// Called for every event from now on. Set before load_root().
  virtual void set_event_sink(EventSink sink) = 0;
  /// Calls it at once for what the kernel has told already, and the loop has not come to yet.
  virtual void take_events() = 0;

  /// Takes over what an earlier daemon left attached; topology() is known if there was a root. To
  /// be called once, before anything else is loaded. What is of no use any more is removed.
  virtual Result<Adoption> adopt() = 0;
  /// Loads and attaches the root scheduler. Afterwards topology() is known. A root that is attached
  /// already is replaced, with all below it: not before the new one has been loaded.
  virtual void load_root(const Options& options, Done done) = 0;
  [[nodiscard]] virtual const Topology& topology() const = 0;

  /// What attach() will be called for next, in that order, as far as is known: some of it may be
  /// loaded ahead. Nothing of it need come.
  virtual void expect(const std::vector<AttachRequest>& soon) = 0;
  /// Loads a child scheduler and attaches it to a cgroup. One that this daemon has there already is
  /// replaced, with all below it: not before the new one has been loaded, so that one which cannot
  /// be changes nothing.
  virtual void attach(const AttachRequest& request, Done done) = 0;
  /// Detaches a child this daemon attached; its tasks return to the parent. Idempotent.
  virtual Status detach(CgroupId cgroup) = 0;
  /// Whether there is a scheduler of that name to attach. Errc::not_found, with those there are.
  [[nodiscard]] virtual Status find_scheduler(const std::string& scheduler) const = 0;
  /// The options of a scheduler, "root" as well, as far as its object tells: nothing is loaded.
  /// Errors as of an OptionCatalog.
  [[nodiscard]] virtual Result<SchedulerOptions> options_of(const std::string& scheduler) const = 0;
  /// Has the scheduler above end a child, this daemon's or a foreign one, as a failure would: its
  /// tasks return to that scheduler. @p reason stands in the kernel's record of it. The observation
  /// shows when it is done. Errc::not_found: it has gone; Errc::stale: the one above has, or is not
  /// fief's.
  virtual Status kill(CgroupId cgroup, const std::string& reason) = 0;
  /// Detaches everything, children first. Every task returns to the kernel's own scheduler. Without
  /// this call everything stays attached for the next daemon, however this one ends.
  virtual Status leave() = 0;

  /// Carries out @p ops in order below one scheduler and then lets its dispatch follow @p level.
  virtual Result<std::vector<RefusedOp>> apply(const LevelPlan& level,
                                               const std::vector<GrantOp>& ops,
                                               std::uint64_t plan_number) = 0;
  virtual Result<Observation> observe() = 0;

  [[nodiscard]] virtual Result<Counters> counters(CgroupId cgroup) const = 0;
  [[nodiscard]] virtual Result<ExitInfo> exit_info(CgroupId cgroup) const = 0;
};

}  // namespace fief
