// SPDX-License-Identifier: GPL-2.0-only
// One turn of the crank, and what decides that there is another.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "control/compare.hpp"
#include "control/controller.hpp"
#include "control/planning.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

using std::chrono::steady_clock;

// Another party's step in between: the next observation shows what became of it.
bool is_race(const Error& error) {
  return error.code == Errc::stale || error.code == Errc::not_found;
}

Instant plan_time(steady_clock::time_point when) {
  return std::chrono::duration_cast<Instant>(when.time_since_epoch());
}

}  // namespace

void Controller::ask_for_turn() {
  if (std::exchange(turn_pending_, true))
    return;
  boost::asio::post(io_, [this] {
    turn_pending_ = false;
    turn();
  });
}

// What falls due is measured against the turn's beginning, so that nothing comes due unnoticed
// between two looks at the clock.
void Controller::turn() {
  turn_began_ = steady_clock::now();
  answer_expired();
  if (phase_ == Phase::root_lost && root_due_ && turn_began_ >= *root_due_)
    return load_root();
  if (phase_ == Phase::running)
    reconcile();
  if (phase_ != Phase::stopped)
    arm_timer();
}

void Controller::reconcile() {
  take_in_cgroups();
  reread_cpusets_if_due();
  if (!observe())
    return;
  if (resolved_ != watcher_.generation())
    resolve_policy();
  note_departures();
  children_.note(observation_, watcher_.tree(), policy_, turn_began_);
  const auto desired = desired_attachments(policy_, watcher_.tree());
  if (children_.detach_unwanted(desired, observation_, turn_began_) && !observe())
    return;
  put_plan_in_force();
  if (phase_ != Phase::running)
    return;
  attach_next(desired);
  publish();
  settle();
}

// True if anything changed.
bool Controller::take_in_cgroups() {
  const auto changes = watcher_.drain();
  if (!changes)
    log::error({}, "cannot follow the cgroups: {}", changes.error().message);
  return changes && !changes->empty();
}

void Controller::reread_cpusets_if_due() {
  if (!cpusets_due_ || turn_began_ < *cpusets_due_)
    return;
  cpusets_due_.reset();
  if (const auto changes = watcher_.reread_cpusets(); !changes)
    log::error({}, "cannot read the cpusets afresh: {}", changes.error().message);
}

// False if the turn ends here: the root is gone, or the kernel cannot be read.
bool Controller::observe() {
  auto observation = kernel_.observe();
  if (!observation) {
    log::error({}, "cannot observe the kernel: {}", observation.error().message);
    as_planned_ = false;
    settle();
    return false;
  }
  if (!observation->root_enabled) {
    root_vanished();
    return false;
  }
  root_missing_since_.reset();
  children_.claim(*observation);
  observation_ = std::move(*observation);
  return true;
}

void Controller::put_plan_in_force() {
  const auto attached = attachments(observation_);
  auto decision = decide({.topology = kernel_.topology(),
                          .cgroups = watcher_.tree(),
                          .policy = policy_,
                          .attachments = attached,
                          .previous = previous_plan(),
                          .now = plan_time(turn_began_)});
  const auto problem = decision ? decision->shortfall : decision.error().message;
  if (!problem.empty() && problem != plan_error_)
    log::error({.message_id = message::kPlanRefused}, "{}: {}",
               decision
                   ? fmt::format("the policy's demands cannot be met and {}", decision->instead)
                   : "no plan can be made and the last one stays in force",
               problem);
  plan_error_ = problem;
  from_scratch_ = false;
  if (decision) {
    const auto number = plan_.number;
    const auto same = same_decisions(plan_, decision->plan);
    plan_ = std::move(decision->plan);
    plan_.number = same ? number : number + 1;
    apply_levels();
  }
  as_planned_ = phase_ == Phase::running && decision && holds(plan_, observation_);
}

// Downwards, with a look at the kernel after each level: a revoke reaches the levels below.
void Controller::apply_levels() {
  std::erase_if(in_force_,
                [this](const auto& entry) { return plan_.find_level(entry.first) == nullptr; });
  for (const auto& level : plan_.levels) {
    const auto ops = grant_operations(level, held_by_children(observation_, level.scheduler),
                                      kernel_.topology());
    const auto current = in_force_.find(level.scheduler);
    if (ops.empty() && current != in_force_.end() && same_orders(current->second, level))
      continue;
    apply_level(level, ops);
    if (!observe())
      return;
  }
}

void Controller::apply_level(const LevelPlan& level, const std::vector<GrantOp>& ops) {
  const auto refused = kernel_.apply(level, ops, plan_.number);
  if (!refused) {
    in_force_.erase(level.scheduler);
    if (!is_race(refused.error()))
      log::error({.message_id = message::kNotAsPlanned, .plan = plan_.number},
                 "plan {} is not in force: {}", plan_.number, refused.error().message);
    return;
  }
  in_force_.insert_or_assign(level.scheduler, level);
  note_refusals(level, *refused);
  if (!ops.empty() && refused->empty())
    log::info({.message_id = message::kPlanApplied, .plan = plan_.number},
              "plan {} is in force: {} grant operation{}", plan_.number, ops.size(),
              ops.size() == 1 ? "" : "s");
}

void Controller::note_refusals(const LevelPlan& level, const std::vector<RefusedOp>& refused) {
  for (const auto& refusal : refused) {
    if (refusal.error == ENODEV)
      continue;
    log::error(
        {.message_id = message::kNotAsPlanned, .cgroup_id = refusal.op.child, .plan = plan_.number},
        "the kernel refused scheduler {} caps on cids {} below scheduler {}: errno {}",
        refusal.op.child.value, refusal.refused.to_string(), level.scheduler.value, refusal.error);
  }
}

void Controller::attach_next(std::vector<Desired> desired) {
  while (const auto* candidate = children_.next(desired, observation_, turn_began_)) {
    const auto& delegation = *candidate->delegation;
    const auto cgroup = candidate->cgroup;
    const auto room = check_room_for(*candidate);
    if (room) {
      hooks_.progress(fmt::format("attaching {} to {}", delegation.scheduler, delegation.cgroup));
      children_.attach(delegation, cgroup,
                       [this, cgroup](const Status& outcome) { attach_done(outcome, cgroup); });
      return;
    }
    hold_back(*candidate, room.error().message);
    std::erase_if(desired, [cgroup](const Desired& want) { return want.cgroup == cgroup; });
  }
}

void Controller::hold_back(const Desired& candidate, const std::string& why) {
  const auto& delegation = *candidate.delegation;
  if (children_.last_error(delegation) == why)
    return;
  log::error({.message_id = message::kAttachFailed,
              .cgroup = delegation.cgroup,
              .cgroup_id = candidate.cgroup,
              .scheduler = delegation.scheduler},
             "{} gets no scheduler: {}", delegation.cgroup, why);
  children_.hold_back(delegation, why);
}

// Nobody is attached who would then get nothing, or take what others were promised.
Status Controller::check_room_for(const Desired& candidate) const {
  std::vector<CgroupId> own{candidate.cgroup};
  for (const auto& scheduler : observation_.schedulers)
    if (scheduler.cgroup != kSelf && !scheduler.foreign)
      own.push_back(scheduler.cgroup);
  const auto& cgroups = watcher_.tree();
  const auto with_it = attachments_if(own, observation_, cgroups);
  const auto plan = make_yielding_plan({.topology = kernel_.topology(),
                                        .cgroups = cgroups,
                                        .policy = policy_,
                                        .attachments = with_it,
                                        .previous = previous_plan(),
                                        .now = plan_time(turn_began_)});
  return plan ? Status{} : tl::unexpected(plan.error());
}

void Controller::attach_done(const Status& outcome, CgroupId cgroup) {
  take_in_cgroups();
  children_.finish_attach(outcome, watcher_.tree().find(cgroup) != nullptr, steady_clock::now());
  ask_for_turn();
}

// Decides whether all that was asked for is done, and if not, when to look again.
void Controller::settle() {
  recheck_at_.reset();
  if (as_planned_ && !is_leaving_awaited()) {
    recheck_delay_ = kFirstRecheck;
  } else {
    recheck_at_ = turn_began_ + recheck_delay_;
    recheck_delay_ = std::min(recheck_delay_ * 2, kLastRecheck);
  }
  if (!as_planned_ || children_.is_attaching() || children_.is_detaching())
    return;
  if (!std::exchange(was_ready_, true)) {
    publish();
    hooks_.ready();
  }
  answer_settled();
}

const Plan* Controller::previous_plan() const {
  return plan_.levels.empty() || from_scratch_ ? nullptr : &plan_;
}

void Controller::arm_timer() {
  auto due = children_.next_deadline(turn_began_);
  const auto consider = [&due](const std::optional<Time>& at) {
    if (at && (!due || *at < *due))
      due = at;
  };
  consider(recheck_at_);
  consider(cpusets_due_);
  consider(root_due_);
  if (!pending_.empty())
    consider(pending_.front().deadline);
  if (!due) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(*due);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error)
      ask_for_turn();
  });
}

}  // namespace fief
