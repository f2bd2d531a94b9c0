// SPDX-License-Identifier: GPL-2.0-only
// The crank: cgroups + topology + policy → plan → grant operations → kernel → observation.
//
// Everything that happens only asks for a turn. A turn (turn.cpp) is one straight line from what
// is observed to what should be; whatever arrives meanwhile shares the next turn. Nothing is
// assumed to have worked: a turn reads back what it did. Loop thread only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "api/backend.hpp"
#include "cgroup/watcher.hpp"
#include "control/candidate.hpp"
#include "control/children.hpp"
#include "control/supervision.hpp"
#include "kernel/port.hpp"
#include "plan/plan.hpp"
#include "policy/drop_ins.hpp"
#include "policy/kept_policy.hpp"
#include "policy/layers.hpp"
#include "policy/load.hpp"
#include "policy/resolve.hpp"

namespace fief {

struct ControllerConfig {
  std::function<PolicySources()> read_policy;
  std::function<std::string()> policy_files;  ///< what read_policy reads, for people
  /// Where persistent changes go; unset: read_policy would not see them.
  std::optional<DropIns> drop_ins;
  /// Where the last good policy is kept for the next start; unset: nowhere.
  std::optional<KeptPolicy> kept;
  std::string cgroup_mount{kCgroupMount};
  RestartPolicy root_restart;
  std::chrono::milliseconds reload_timeout{60000};  ///< of every other change, too
};

/// What becomes of the schedulers when the daemon stops.
enum class Leaving : bool {
  keep,      ///< they stay attached, for the next daemon to go on with
  for_good,  ///< every task returns to the kernel's own scheduler
};

/// What the composition root must know. Each runs on the loop.
struct ControllerHooks {
  /// Once: the root is attached, the first plan is in force and observed, and every delegation
  /// whose cgroup exists is attached or has failed to.
  std::function<void()> ready;
  /// Once: it cannot go on. Errors of which is_final() is true will come again at every start.
  std::function<void(const Error&)> failed;
  /// Once: it was asked to leave for good.
  std::function<void()> left;
  /// What it is doing, for people; told before each step that takes long.
  std::function<void(const std::string&)> progress;
};

/// Whether starting again cannot help: the kernel or the privileges must change first.
bool is_final(Errc code);

class Controller final : public Backend {
 public:
  /// All references outlive the controller and the loop's last handler.
  Controller(boost::asio::io_context& io, KernelPort& kernel, CgroupWatcher& watcher,
             ControllerConfig config, ControllerHooks hooks);
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  ~Controller() override = default;

  void set_listener(StatusListener* listener) { listener_ = listener; }

  /// Reads the policy and goes on with what an earlier daemon left attached, as far as it is what
  /// this one would attach; else loads the root scheduler. A policy with faults is reported and
  /// replaced by the last good one, or an empty one: the machine stays usable, and a reload mends
  /// it.
  void start();
  /// Nothing runs from then.
  Status stop(Leaving leaving);
  /// What the policy says of a stop.
  [[nodiscard]] OnStop on_stop() const { return resolver_.written().root.on_stop; }
  /// The watcher's descriptor is readable.
  void cgroups_changed();

  [[nodiscard]] StatusView status(Figures figures) const override;
  void reload(Done done) override;
  [[nodiscard]] Result<ExplanationTexts> preview_reload() const override;
  void change(const ChangeRequest& request, Done done) override;
  void attach(const ChangeRequest& request, Done done) override;
  void detach(const ChangeRequest& request, Done done) override;
  void revert(const std::string& subject, Done done) override;
  void kill(const std::string& subject, const std::string& reason, Done done) override;
  void replan(bool from_scratch, Done done) override;
  void leave(Done done) override;
  void boost(std::uint64_t hold, const ChangeRequest& request, Done done) override;
  void release(std::uint64_t hold) override;
  [[nodiscard]] std::string plan() const override;
  [[nodiscard]] const ShownPolicy& policy() const override { return shown_; }
  [[nodiscard]] Result<ExplanationTexts> explain(const std::string& subject) const override;

 private:
  using Time = Children::Time;
  enum class Phase { idle, loading, running, root_lost, stopped };
  // How soon the kernel is looked at again while it does not hold the plan; doubled each time.
  static constexpr std::chrono::milliseconds kFirstRecheck{5};
  static constexpr std::chrono::milliseconds kLastRecheck{5000};
  /// A change that is answered when it is observed.
  struct Pending {
    Time deadline;
    std::optional<CgroupId> leaving;  ///< whose scheduler must be seen to be gone first
    std::function<Status()> outcome;  ///< asked when nothing is under way any more
    Done done;
  };
  /// The policy's files as they are now, under the run-time changes they leave a place for.
  struct ReadLayers {
    PolicyLayers layers;
    std::vector<std::string> lifted;  ///< delegations whose run-time changes have no place left
  };
  /// What a request is about.
  struct Subject {
    std::string name;    ///< in the policy
    std::string cgroup;  ///< empty: a pattern, with all it stands for
  };

  // controller.cpp: life
  void start_with_faults(tl::expected<ReadLayers, std::vector<PolicyFault>> read);
  [[nodiscard]] bool start_with_kept();
  void keep_policy();
  void take_over();
  void adopt_schedulers(const Adoption& adoption);
  void load_root();
  void load_root_with(const Options& options);
  void root_loaded(const Status& outcome);
  void root_refused(const Error& error);
  void go_on_with_old_root();
  void root_vanished();
  void root_ended(const ExitInfo& exit);
  static void log_root_exit(const ExitInfo& exit);
  void forget_schedulers(std::string_view reason);
  void retry_root(const std::string& why);
  void give_up(Errc code, const std::string& why);
  void handle(const Event& event);
  [[nodiscard]] tl::expected<ReadLayers, std::vector<PolicyFault>> read_layers() const;
  void adopt(PolicyLayers layers, Policy policy);
  void refuse_reload(const std::vector<PolicyFault>& faults, const Done& done);
  Status adopt_reloaded(PolicyLayers layers, Policy policy);
  [[nodiscard]] Status check_feasible(const Policy& written) const;
  [[nodiscard]] Result<Plan> plan_if(const Policy& written, const Plan* previous) const;
  void log_faults(const std::vector<PolicyFault>& faults);

  // turn.cpp: the crank
  void ask_for_turn();
  void turn();
  void reconcile();
  bool take_in_cgroups();
  void reread_cpusets_if_due();
  void resolve_policy();
  bool observe();
  void put_plan_in_force();
  void apply_levels();
  void apply_level(const LevelPlan& level, const std::vector<GrantOp>& ops);
  void note_refusals(const LevelPlan& level, const std::vector<RefusedOp>& refused);
  void attach_next(std::vector<Desired> desired);
  [[nodiscard]] Status check_room_for(const Desired& candidate) const;
  void hold_back(const Desired& candidate, const std::string& why);
  void attach_done(const Status& outcome, CgroupId cgroup);
  void settle();
  [[nodiscard]] const Plan* previous_plan() const;
  void arm_timer();

  // requests.cpp: what people ask for
  [[nodiscard]] std::optional<Subject> find_subject(const std::string& subject) const;
  void put_in_force(const DelegationChange& change, const ChangeRequest& request,
                    const Subject& subject, Done done);
  void adopt_candidate(const Result<Candidate>& candidate, const Subject& subject, bool new_chance,
                       Done done);
  [[nodiscard]] Status check_possible(const Candidate& candidate, const Subject& subject) const;
  [[nodiscard]] Status check_can_attach(const std::string& path) const;
  [[nodiscard]] Status write(const Candidate& candidate) const;
  [[nodiscard]] Result<DropIn> present_drop_in(const std::string& delegation) const;
  [[nodiscard]] Result<DropIn> writable_drop_in(const std::string& delegation) const;
  [[nodiscard]] const ObservedScheduler* observed_at(const std::string& path) const;
  [[nodiscard]] bool is_enabled(const Delegation& delegation) const;
  [[nodiscard]] static bool is_about(const Subject& subject, const Delegation& delegation);
  [[nodiscard]] Status in_force(const Subject& subject) const;
  [[nodiscard]] Status all_in_force(const std::function<bool(const Delegation&)>& is_meant) const;
  [[nodiscard]] Status delegations_in_force() const;
  void answer_later(std::function<Status()> outcome, Done done,
                    std::optional<CgroupId> leaving = {});
  void note_departures();
  [[nodiscard]] bool is_leaving_awaited() const;
  void answer_settled();
  void answer_expired();
  void answer_all(const Status& outcome);

  // announce.cpp: telling others
  void publish();
  void announce_detached(const SchedulerView& scheduler, const std::string& reason);
  void announce_attached(const SchedulerView& scheduler);
  [[nodiscard]] std::string state_name() const;
  [[nodiscard]] bool is_degraded() const;

  boost::asio::io_context& io_;
  KernelPort& kernel_;
  CgroupWatcher& watcher_;
  ControllerConfig config_;
  ControllerHooks hooks_;
  StatusListener* listener_ = nullptr;
  boost::asio::steady_timer timer_;
  std::minstd_rand random_;

  Phase phase_ = Phase::idle;
  bool turn_pending_ = false;
  bool was_ready_ = false;
  PolicyLayers layers_;  ///< what resolver_ is made of
  PolicyResolver resolver_;
  Policy policy_;                   ///< of the cgroups there are
  ShownPolicy shown_;               ///< the policy with its origins
  std::uint64_t resolved_ = 0;      ///< the watcher's generation for which policy_ is
  std::set<std::string> too_deep_;  ///< cgroups that are known to be nested too deep
  std::string policy_files_;
  bool policy_is_sound_ = false;  ///< the one in force is what its files say, without a fault
  bool policy_is_kept_ = false;   ///< it is the last good one, its files are faulty by now
  std::string policy_error_;
  std::string plan_error_;  ///< why the plan is not all the policy asks for
  Supervision root_;
  std::optional<Time> root_due_;
  std::optional<Time> root_missing_since_;  ///< not enabled any more, exit record awaited
  OptionCatalog options_;                   ///< what the kernel's port knows of schedulers
  Options root_options_;                    ///< the loaded root's
  Options good_root_options_;               ///< of the last root that could be loaded
  Options wanted_root_options_;             ///< the policy's, when the last load began
  std::string root_refusal_;                ///< why the root is not the one the policy asks for
  std::optional<PolicyLayers> before_;      ///< in force until the root that they do not have
  std::optional<Adoption> left_;            ///< attached until a root of this daemon's own is
  Children children_;
  Observation observation_;
  Plan plan_;
  std::map<CgroupId, LevelPlan> in_force_;  ///< by scheduler: what its dispatch follows
  bool as_planned_ = false;
  std::optional<Time> cpusets_due_;  ///< to be read afresh: a CPU came or went
  std::optional<Time> recheck_at_;   ///< while the kernel does not hold the plan
  std::chrono::milliseconds recheck_delay_ = kFirstRecheck;
  Time turn_began_;
  std::map<CgroupId, SchedulerView> announced_;
  std::string summary_;        ///< last told to hooks_.progress
  bool from_scratch_ = false;  ///< the next plan keeps nothing for its own sake
  std::vector<Pending> pending_;
};

}  // namespace fief
