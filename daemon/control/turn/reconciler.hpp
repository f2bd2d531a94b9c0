// SPDX-License-Identifier: GPL-2.0-only
// One turn of the crank: a straight line from what is observed to what should be. Nothing is
// assumed to have worked: a turn reads back what it did.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cgroup/watcher.hpp"
#include "control/operations/answers.hpp"
#include "control/operations/subject.hpp"
#include "control/plan/compare.hpp"
#include "control/plan/plan_in_force.hpp"
#include "control/plan/promises.hpp"
#include "control/policy/policy_store.hpp"
#include "control/schedulers/children.hpp"
#include "control/schedulers/root_life.hpp"
#include "control/turn/cgroup_follower.hpp"
#include "core/backoff.hpp"
#include "kernel/port.hpp"

namespace fief {

/// What a turn works on. All of it outlives the reconciler and the loop's last handler.
struct ReconcilerParts {
  KernelPort& kernel;
  CgroupWatcher& watcher;
  CgroupFollower& cgroups;
  PolicyStore& policy;
  RootLife& root;
  Children& children;
  Answers& answers;
};

struct ReconcilerHooks {
  std::function<void()> publish;  ///< the status may be another
  std::function<void()> settled;  ///< nothing is under way, and the kernel holds the plan
  std::function<void()> ask;      ///< for another turn
  std::function<void(const std::string&)> progress;
};

class Reconciler {
 public:
  using Time = Children::Time;

  Reconciler(ReconcilerParts parts, ReconcilerHooks hooks)
      : parts_(parts), hooks_(std::move(hooks)), plan_(parts.kernel) {}

  /// What falls due is measured against the turn's beginning, so that nothing comes due unnoticed
  /// between two looks at the clock.
  void begin(Time now) { began_ = now; }
  void reconcile();

  /// Goes on with the plan of an earlier daemon.
  void adopt(const Plan& plan) { plan_.adopt(plan); }
  /// Every scheduler is gone.
  void forget_schedulers();
  /// Nothing is observed any more.
  void forget_observation() { observation_ = {}; }
  void start_from_scratch() { plan_.start_from_scratch(); }

  /// When the next turn is due, by what turns deal with.
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] const Observation& observation() const { return observation_; }
  [[nodiscard]] const PlanInForce& plan() const { return plan_; }
  [[nodiscard]] bool as_planned() const { return as_planned_; }

  /// Whether the cgroups @p cgroups have what the policy in force wants for them, or cannot have it
  /// for a reason that is known. Those that are gone want nothing.
  [[nodiscard]] bool is_in_place(const std::vector<CgroupId>& cgroups) const;

  /// What everybody is promised by the policy in force, as of the last turn.
  [[nodiscard]] const Promises& promises() const { return promises_; }
  /// Why @p delegation does not get all that it asks for; empty: it does.
  [[nodiscard]] std::string concession(const Delegation& delegation) const;

  /// The plan with everything attached that @p written would have attached.
  [[nodiscard]] Result<Plan> plan_if(const Policy& written, const PolicyLayers& layers) const;
  /// Whether @p written, made of @p layers, keeps what is promised to administrators, and to @p
  /// asking (nullptr: nobody), on this machine with today's cgroups. What does not fit of others is
  /// held back then.
  [[nodiscard]] Status check_feasible(const Policy& written, const PolicyLayers& layers,
                                      const Subject* asking) const;

 private:
  [[nodiscard]] Promises promises_if(const Policy& written, const PolicyLayers& layers,
                                     std::string_view last) const;
  [[nodiscard]] Status check_promised(const Subject& asking, const Policy& written,
                                      const Promises& promised) const;
  void make_promises();
  void tell_concessions(const Promises& before) const;
  bool observe();
  void put_plan_in_force();
  void attach_next(const std::vector<Desired>& desired);
  [[nodiscard]] Status check_place_for(const Desired& candidate, const ChildCounts& counts) const;
  [[nodiscard]] Status check_slot_for(const Desired& candidate, const ChildCounts& counts) const;
  [[nodiscard]] Status check_room_for(const Desired& candidate) const;
  void hold_back(const Desired& candidate, const std::string& why);
  void attach_done(const Status& outcome, CgroupId cgroup);
  void settle();
  [[nodiscard]] bool is_in_place(CgroupId cgroup) const;
  [[nodiscard]] const Delegation* delegation_of(const CgroupNode& node) const;

  ReconcilerParts parts_;
  ReconcilerHooks hooks_;
  PlanInForce plan_;
  Promises promises_;
  Observation observation_;
  bool as_planned_ = false;
  bool decided_ = false;            ///< the last turn could plan
  std::optional<Time> recheck_at_;  ///< while the kernel does not hold the plan
  Backoff recheck_{std::chrono::milliseconds{5}, std::chrono::seconds{5}};  ///< to recheck_at_
  Time began_;
};

}  // namespace fief
