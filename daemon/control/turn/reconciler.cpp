// SPDX-License-Identifier: GPL-2.0-only
#include "control/turn/reconciler.hpp"

#include <algorithm>
#include <utility>

#include "control/plan/compare.hpp"
#include "control/plan/planning.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

using std::chrono::steady_clock;

Instant plan_time(steady_clock::time_point when) {
  return std::chrono::duration_cast<Instant>(when.time_since_epoch());
}

}  // namespace

void Reconciler::reconcile() {
  parts_.cgroups.take_in(began_);
  parts_.cgroups.reread_cpusets_if_due(began_);
  if (!observe())
    return;
  parts_.policy.follow_cgroups();
  parts_.answers.note_departures(observation_);
  const auto& policy = parts_.policy.resolved();
  parts_.children.note(observation_, parts_.watcher.tree(), policy, began_);
  make_promises();
  const auto desired = desired_attachments(promises_.policy, parts_.watcher.tree());
  if (parts_.children.detach_unwanted(desired, observation_, began_) && !observe())
    return;
  parts_.children.end_misbehaving(parts_.watcher.tree(), policy, began_);
  put_plan_in_force();
  if (!parts_.root.is_running())
    return;
  attach_next(desired);
  hooks_.publish();
  parts_.answers.answer_those_in_place();
  settle();
}

// False if the turn ends here: the root is gone, or the kernel cannot be read.
bool Reconciler::observe() {
  auto observation = parts_.kernel.observe();
  if (!observation) {
    log::error({}, "cannot observe the kernel: {}", observation.error());
    as_planned_ = false;
    settle();
    return false;
  }
  if (!observation->root_enabled) {
    if (parts_.root.note_missing(began_))
      return false;
    as_planned_ = false;
    settle();
    return false;
  }
  parts_.root.note_present();
  parts_.children.claim(*observation);
  observation_ = std::move(*observation);
  return true;
}

void Reconciler::put_plan_in_force() {
  const auto attached = attachments(observation_);
  decided_ = plan_.decide({.topology = parts_.kernel.topology(),
                           .cgroups = parts_.watcher.tree(),
                           .policy = promises_.policy,
                           .attachments = attached,
                           .previous = plan_.previous(),
                           .now = plan_time(began_)},
                          parts_.children.is_detaching());
  if (decided_)
    plan_.apply(observation_, [this] { return observe(); });
  as_planned_ = parts_.root.is_running() && decided_ && holds(plan_.plan(), observation_);
}

void Reconciler::attach_next(const std::vector<Desired>& desired) {
  auto queue = parts_.children.to_attach(desired, observation_, began_);
  if (queue.next() == nullptr) {
    if (!parts_.children.is_attaching())
      parts_.kernel.expect({});
    return;
  }
  const auto counts = count_children(observation_);
  for (; const auto* candidate = queue.next(); queue.pass_over()) {
    const auto& delegation = *candidate->delegation;
    const auto cgroup = candidate->cgroup;
    const auto room = check_place_for(*candidate, counts);
    if (room) {
      hooks_.progress(fmt::format("attaching {} to {}", delegation.scheduler, delegation.cgroup));
      parts_.children.attach(delegation, cgroup, [this, cgroup](const Status& outcome) {
        attach_done(outcome, cgroup);
      });
      return parts_.kernel.expect(queue.rest());
    }
    // Whoever is to make room may still be leaving.
    if (!parts_.children.is_detaching())
      hold_back(*candidate, room.error().message);
  }
}

void Reconciler::hold_back(const Desired& candidate, const std::string& why) {
  const auto& delegation = *candidate.delegation;
  if (parts_.children.last_error(delegation) == why)
    return;
  log::error({.message_id = message::kAttachFailed,
              .cgroup = delegation.cgroup,
              .cgroup_id = candidate.cgroup,
              .scheduler = delegation.scheduler},
             "{} gets no scheduler: {}", delegation.cgroup, why);
  parts_.children.hold_back(delegation, why);
}

// Who takes the place of another has it.
Status Reconciler::check_place_for(const Desired& candidate, const ChildCounts& counts) const {
  if (observation_.find(candidate.cgroup) != nullptr)
    return {};
  return check_slot_for(candidate, counts).and_then([&] { return check_room_for(candidate); });
}

// Where a scheduler has all the children that it can have, a plan for each of hundreds that wait
// would tell the same, at every turn.
Status Reconciler::check_slot_for(const Desired& candidate, const ChildCounts& counts) const {
  const auto& cgroups = parts_.watcher.tree();
  const auto* node = cgroups.find(candidate.cgroup);
  if (node == nullptr)
    return {};
  const auto parent = scheduler_above(*node, observation_, cgroups);
  const auto count = counts.find(parent);
  if (count == counts.end() || count->second + 1 < PlanLimits{}.participants)
    return {};
  const auto* above = cgroups.find(parent);
  return fail(Errc::infeasible, "the scheduler of {} has {} below it, and can have no more",
              above == nullptr ? "/" : above->path, count->second);
}

// Nobody is attached who would then get nothing, or take what others were promised.
Status Reconciler::check_room_for(const Desired& candidate) const {
  std::vector<CgroupId> own{candidate.cgroup};
  for (const auto& scheduler : observation_.schedulers)
    if (scheduler.cgroup != kSelf && !scheduler.foreign)
      own.push_back(scheduler.cgroup);
  const auto& cgroups = parts_.watcher.tree();
  const auto with_it = attachments_if(own, observation_, cgroups);
  const auto plan = make_yielding_plan({.topology = parts_.kernel.topology(),
                                        .cgroups = cgroups,
                                        .policy = promises_.policy,
                                        .attachments = with_it,
                                        .previous = plan_.previous(),
                                        .now = plan_time(began_)});
  return plan ? Status{} : tl::unexpected(plan.error());
}

void Reconciler::attach_done(const Status& outcome, CgroupId cgroup) {
  parts_.cgroups.take_in(steady_clock::now());
  parts_.children.finish_attach(outcome, parts_.watcher.tree().find(cgroup) != nullptr,
                                steady_clock::now());
  plan_.forget_orders_about(cgroup);
  hooks_.ask();
}

// Decides whether all that was asked for is done, and if not, when to look again.
void Reconciler::settle() {
  recheck_at_.reset();
  if (as_planned_ && !parts_.answers.is_departure_awaited()) {
    recheck_.reset();
  } else {
    recheck_at_ = began_ + recheck_.next();
  }
  if (as_planned_ && !parts_.children.is_attaching() && !parts_.children.is_detaching())
    hooks_.settled();
}

bool Reconciler::is_in_place(const std::vector<CgroupId>& cgroups) const {
  return decided_ &&
         std::ranges::all_of(cgroups, [this](CgroupId cgroup) { return is_in_place(cgroup); });
}

bool Reconciler::is_in_place(CgroupId cgroup) const {
  const auto* node = parts_.watcher.tree().find(cgroup);
  if (node == nullptr)
    return true;
  const auto* observed = observation_.find(cgroup);
  const auto* delegation = delegation_of(*node);
  if (delegation == nullptr)
    return observed == nullptr || observed->foreign;
  switch (parts_.children.state(*delegation, cgroup)) {
    case SchedulerState::attached:
      return !parts_.children.is_changing(*delegation, cgroup) &&
             holds(plan_.plan(), observation_, cgroup);
    case SchedulerState::waiting:
      return !concession(*delegation).empty() ||
             parts_.children.youth(*delegation, cgroup, steady_clock::now()).count() != 0 ||
             (!parts_.children.is_attaching() && !parts_.children.last_error(*delegation).empty());
    case SchedulerState::attaching:
      return false;
    default:
      return true;
  }
}

const Delegation* Reconciler::delegation_of(const CgroupNode& node) const {
  const auto& delegations = parts_.policy.resolved().delegations;
  const auto found = std::ranges::find(delegations, node.path, &Delegation::cgroup);
  return found == delegations.end() ? nullptr : &*found;
}

void Reconciler::forget_schedulers() {
  plan_.forget();
  observation_ = {};
  as_planned_ = false;
}

std::optional<Reconciler::Time> Reconciler::next_deadline() const {
  auto due = parts_.children.next_deadline(began_);
  if (recheck_at_ && (!due || *recheck_at_ < *due))
    due = recheck_at_;
  return due;
}

void Reconciler::make_promises() {
  const auto& policy = parts_.policy;
  const auto tenants = tenants_of(policy.layers());
  auto promised = fief::make_promises(
      {.topology = parts_.kernel.topology(),
       .cgroups = parts_.watcher.tree(),
       .written = policy.written(),
       .resolved = policy.resolved(),
       .tenants = tenants,
       .observation = observation_,
       .previous = plan_.previous(),
       .now = plan_time(began_),
       .is_out = [this](const Delegation& wanted) { return parts_.children.is_out(wanted); }});
  const auto before = std::exchange(promises_, std::move(promised));
  tell_concessions(before);
}

// Once for each, whatever the figures in the reason become.
void Reconciler::tell_concessions(const Promises& before) const {
  for (const auto& [path, concession] : promises_.concessions) {
    const auto known = before.concessions.find(path);
    if (known != before.concessions.end() && known->second.terms == concession.terms)
      continue;
    if (concession.terms == Terms::none)
      log::error({.message_id = message::kAttachFailed, .cgroup = path}, "{} gets no scheduler: {}",
                 path, concession.why);
    else
      log::warning({.message_id = message::kPlanRefused, .cgroup = path},
                   "{} does not get what is asked for it beyond its {}: {}", path,
                   concession.terms == Terms::by_weight ? "weight" : "cpuset", concession.why);
  }
}

std::string Reconciler::concession(const Delegation& delegation) const {
  const auto found = promises_.concessions.find(delegation.cgroup);
  return found == promises_.concessions.end() ? std::string{} : found->second.why;
}

Promises Reconciler::promises_if(const Policy& written, const PolicyLayers& layers,
                                 std::string_view last) const {
  const auto resolved = resolve(written, parts_.watcher.tree());
  const auto tenants = tenants_of(layers);
  return fief::make_promises({.topology = parts_.kernel.topology(),
                              .cgroups = parts_.watcher.tree(),
                              .written = written,
                              .resolved = resolved,
                              .tenants = tenants,
                              .observation = observation_,
                              .previous = plan_.previous(),
                              .now = plan_time(steady_clock::now()),
                              .last = last});
}

Status Reconciler::check_feasible(const Policy& written, const PolicyLayers& layers,
                                  const Subject* asking) const {
  if (!parts_.root.is_running())
    return {};
  const auto promised = promises_if(written, layers, asking == nullptr ? "" : asking->cgroup);
  if (promised.shortfall)
    return tl::unexpected(*promised.shortfall);
  return asking == nullptr ? Status{} : check_promised(*asking, written, promised);
}

// Of a pattern, some are enough: the others are held back until there is room.
Status Reconciler::check_promised(const Subject& asking, const Policy& written,
                                  const Promises& promised) const {
  const Concession* concession = nullptr;
  for (const auto& delegation : resolve(written, parts_.watcher.tree()).delegations) {
    if (!is_about(asking, delegation))
      continue;
    const auto found = promised.concessions.find(delegation.cgroup);
    if (found != promised.concessions.end())
      concession = &found->second;
    else if (asking.cgroup.empty())
      return {};
  }
  return concession == nullptr ? Status{} : fail(Errc::infeasible, "{}", concession->why);
}

Result<Plan> Reconciler::plan_if(const Policy& written, const PolicyLayers& layers) const {
  const auto promised = promises_if(written, layers, {});
  if (promised.shortfall)
    return tl::unexpected(*promised.shortfall);
  const auto& cgroups = parts_.watcher.tree();
  std::vector<CgroupId> wanted;
  for (const auto& desired : desired_attachments(promised.policy, cgroups))
    wanted.push_back(desired.cgroup);
  const auto all = attachments_if(wanted, observation_, cgroups);
  return make_checked_plan({.topology = parts_.kernel.topology(),
                            .cgroups = cgroups,
                            .policy = promised.policy,
                            .attachments = all,
                            .previous = plan_.previous(),
                            .now = plan_time(steady_clock::now())});
}

}  // namespace fief
