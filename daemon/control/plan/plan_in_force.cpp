// SPDX-License-Identifier: GPL-2.0-only
#include "control/plan/plan_in_force.hpp"

#include <cerrno>
#include <utility>

#include "control/plan/compare.hpp"
#include "control/plan/planning.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

// Another party's step in between: the next observation shows what became of it.
bool is_race(const Error& error) {
  return error.code == Errc::stale || error.code == Errc::not_found;
}

std::string words_for(std::size_t operations) {
  if (operations == 0)
    return "no CPU changes hands";
  return fmt::format("{} grant operation{}", operations, operations == 1 ? "" : "s");
}

}  // namespace

bool PlanInForce::decide(const PlanInput& input, bool may_wait) {
  auto decision = fief::decide(input);
  if (may_wait && shortfall_.empty() && !(decision && decision->shortfall.empty()))
    return false;
  const auto problem = decision ? decision->shortfall : decision.error().message;
  if (!problem.empty() && problem != shortfall_)
    log::error({.message_id = message::kPlanRefused}, "{}: {}",
               decision
                   ? fmt::format("the policy's demands cannot be met and {}", decision->instead)
                   : "no plan can be made and the last one stays in force",
               problem);
  shortfall_ = problem;
  from_scratch_ = false;
  if (!decision)
    return false;
  const auto number = plan_.number;
  const auto same = same_decisions(plan_, decision->plan);
  auto replaced = std::exchange(plan_, std::move(decision->plan));
  if (!same) {
    before_ = std::move(replaced);
    cause_.reset();
  }
  plan_.number = same ? number : number + 1;
  return true;
}

void PlanInForce::apply(const Observation& observation, const std::function<bool()>& observe) {
  std::erase_if(told_,
                [this](const auto& entry) { return plan_.find_level(entry.first) == nullptr; });
  for (const auto& level : plan_.levels) {
    const auto ops =
        grant_operations(level, held_by_children(observation, level.scheduler), kernel_.topology());
    const auto current = told_.find(level.scheduler);
    if (ops.empty() && current != told_.end() && same_orders(current->second, level))
      continue;
    tell(level, ops);
    if (!observe())
      return;
  }
}

void PlanInForce::forget_orders_about(CgroupId cgroup) {
  std::erase_if(told_, [cgroup](const auto& entry) {
    return entry.first == cgroup || entry.second.find(cgroup) != nullptr;
  });
}

void PlanInForce::tell(const LevelPlan& level, const std::vector<GrantOp>& ops) {
  const auto refused = kernel_.apply(level, ops, plan_.number);
  if (!refused) {
    told_.erase(level.scheduler);
    if (!is_race(refused.error()))
      log::error({.message_id = message::kNotAsPlanned, .plan = plan_.number},
                 "plan {} is not in force: {}", plan_.number, refused.error());
    return;
  }
  told_.insert_or_assign(level.scheduler, level);
  note_refusals(level, *refused);
  // A plan that moves nothing but fractions is told, too; once.
  if (refused->empty() && (!ops.empty() || logged_ != plan_.number))
    log_in_force(ops.size());
}

// Why, is found out once the kernel has the plan: nobody waits for that.
void PlanInForce::log_in_force(std::size_t operations) {
  logged_ = plan_.number;
  if (!cause_)
    cause_ = cause_of(std::exchange(before_, {}), plan_);
  log::info({.message_id = message::kPlanApplied,
             .cgroup = cause_->cgroup,
             .plan = plan_.number,
             .cause = cause_->text},
            "plan {} is in force: {}{}{}", plan_.number, words_for(operations),
            cause_->text.empty() ? "" : "; ", cause_->text);
}

void PlanInForce::note_refusals(const LevelPlan& level,
                                const std::vector<RefusedOp>& refused) const {
  for (const auto& refusal : refused) {
    if (refusal.error == ENODEV)
      continue;
    log::error(
        {.message_id = message::kNotAsPlanned, .cgroup_id = refusal.op.child, .plan = plan_.number},
        "the kernel refused scheduler {} caps on cids {} below scheduler {}: errno {}",
        refusal.op.child.value, refusal.refused.to_string(), level.scheduler.value, refusal.error);
  }
}

const Plan* PlanInForce::previous() const {
  return plan_.levels.empty() || from_scratch_ ? nullptr : &plan_;
}

}  // namespace fief
