// SPDX-License-Identifier: GPL-2.0-only
// The plan that is followed: decided anew in every turn, and told to the kernel where it differs
// from what the kernel was told last.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/plan/plan_cause.hpp"
#include "kernel/port.hpp"
#include "plan/plan.hpp"

namespace fief {

class PlanInForce {
 public:
  /// @p kernel outlives this object.
  explicit PlanInForce(KernelPort& kernel) : kernel_(kernel) {}

  /// Goes on with the plan of an earlier daemon.
  void adopt(Plan plan) {
    logged_ = plan.number;
    plan_ = std::move(plan);
  }
  /// The kernel follows nothing any more.
  void forget() { told_.clear(); }
  /// The scheduler of @p cgroup is another one: what it and the one above it were told is gone.
  void forget_orders_about(CgroupId cgroup);
  /// The next plan keeps nothing for its own sake.
  void start_from_scratch() { from_scratch_ = true; }

  /// Makes the next plan; false if none can be made and the last one stays. It also stays where not
  /// all can be had that the policy asks for, but @p may_wait: for those who are about to make
  /// room.
  bool decide(const PlanInput& input, bool may_wait);
  /// Applies what is new downwards. @p observe looks at the kernel after each level, since a revoke
  /// reaches the levels below, and brings @p observation up to date; false: the turn ends there.
  void apply(const Observation& observation, const std::function<bool()>& observe);

  [[nodiscard]] const Plan& plan() const { return plan_; }
  /// What the next plan is to keep as much of as it can, or nullptr.
  [[nodiscard]] const Plan* previous() const;
  /// Why the plan is not all the policy asks for; empty: it is.
  [[nodiscard]] const std::string& shortfall() const { return shortfall_; }

 private:
  void tell(const LevelPlan& level, const std::vector<GrantOp>& ops);
  void log_in_force(std::size_t operations);
  void note_refusals(const LevelPlan& level, const std::vector<RefusedOp>& refused) const;

  KernelPort& kernel_;
  Plan plan_;
  std::map<CgroupId, LevelPlan> told_;  ///< by scheduler: what its dispatch follows
  Plan before_;                         ///< what plan_ has replaced, until cause_ is set
  /// Why plan_ is not as the one before it; unset: before_ knows.
  std::optional<PlanCause> cause_ = PlanCause{};
  std::string shortfall_;
  std::uint64_t logged_ = 0;  ///< number of the plan that the journal has last been told of
  bool from_scratch_ = false;
};

}  // namespace fief
