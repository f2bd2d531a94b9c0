// SPDX-License-Identifier: GPL-2.0-only
#include "control/schedulers/children.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

// The parent learns of an end before the ended scheduler writes its record; that follows at once
// unless the machine is saturated.
constexpr std::chrono::milliseconds kExitRecordWait{200};

log::Fields fields(std::string_view id, const std::string& path, CgroupId cgroup,
                   const std::string& scheduler) {
  return {.message_id = id, .cgroup = path, .cgroup_id = cgroup, .scheduler = scheduler};
}

// What follows from a failure, to end a sentence with.
std::string consequence(const Supervision& supervision, Supervision::Time now) {
  if (const auto at = supervision.retry_at())
    return fmt::format("the next attempt is in {:.1f} s",
                       std::chrono::duration<double>(*at - now).count());
  return "there is no further attempt until the policy is reloaded";
}

// The same attempt would fail the same way.
bool is_hopeless(const Error& error) {
  return error.code == Errc::invalid || error.code == Errc::unsupported ||
         error.code == Errc::denied;
}

const Delegation* delegation_of(const Policy& policy, std::string_view path) {
  const auto found = std::ranges::find(policy.delegations, path, &Delegation::cgroup);
  return found == policy.delegations.end() ? nullptr : &*found;
}

void report_quarantine(const Supervision& supervision, const log::Fields& about) {
  if (!supervision.quarantined())
    return;
  auto where = about;
  where.message_id = message::kQuarantined;
  where.dump.clear();
  log::error(where, "{} is left without a scheduler of its own: {}", where.cgroup,
             supervision.last_error());
}

}  // namespace

void Children::adopt(const std::vector<AdoptedScheduler>& adopted) {
  for (const auto& [request, current] : adopted)
    loaded_.insert_or_assign(request.cgroup, Loaded{.path = request.path,
                                                    .scheduler = request.scheduler,
                                                    .options = request.options,
                                                    .current = current});
}

void Children::root_gone(std::string_view reason) {
  for (const auto& [cgroup, loaded] : loaded_)
    reasons_.insert_or_assign(cgroup, std::string(reason));
  loaded_.clear();
  leaving_.clear();
  missing_since_.clear();
  ++generation_;
}

void Children::claim(Observation& observation) {
  std::erase_if(leaving_, [&](const auto& entry) {
    if (observation.find(entry.first) != nullptr)
      return false;
    reasons_.insert_or_assign(entry.first, std::string(detach_reason(ExitClass::requested)));
    return true;
  });
  for (auto& scheduler : observation.schedulers)
    if (is_attaching_to(scheduler.cgroup) || leaving_.contains(scheduler.cgroup))
      scheduler.foreign = false;
}

void Children::note(const Observation& observation, const CgroupTree& cgroups, const Policy& policy,
                    Time now) {
  ages_.note(policy, cgroups, now);
  std::vector<std::pair<CgroupId, ExitInfo>> gone;
  for (const auto& [cgroup, loaded] : loaded_) {
    // One that is being replaced may be gone already.
    if (observation.find(cgroup) != nullptr || is_attaching_to(cgroup)) {
      missing_since_.erase(cgroup);
      continue;
    }
    const auto since = missing_since_.try_emplace(cgroup, now).first->second;
    const auto exit = kernel_.exit_info(cgroup).value_or(ExitInfo{});
    if (exit.kind != 0 || cgroups.find(cgroup) == nullptr || now - since >= kExitRecordWait)
      gone.emplace_back(cgroup, exit);
  }
  for (const auto& [cgroup, exit] : gone)
    ended(cgroup, exit, cgroups, policy, now);
  forget_undelegated(policy);
}

// Containers come and go under ever new names.
void Children::forget_undelegated(const Policy& policy) {
  if (supervision_.size() <= policy.delegations.size())
    return;
  std::set<std::string_view> delegated;
  for (const auto& delegation : policy.delegations)
    delegated.insert(delegation.cgroup);
  std::erase_if(supervision_,
                [&delegated](const auto& entry) { return !delegated.contains(entry.first); });
}

void Children::ended(CgroupId cgroup, const ExitInfo& exit, const CgroupTree& cgroups,
                     const Policy& policy, Time now) {
  const auto path = loaded_.at(cgroup).path;
  const auto unexplained = exit.kind == 0 && cgroups.find(cgroup) == nullptr;
  const auto how = unexplained ? ExitClass::cgroup_removed : classify(exit);
  reasons_.insert_or_assign(cgroup, std::string(detach_reason(how)));
  if (how != ExitClass::cgroup_removed && how != ExitClass::with_parent &&
      how != ExitClass::restart)
    failed(path, cgroup, policy, exit, now);
  loaded_.erase(cgroup);
  missing_since_.erase(cgroup);
  // Frees what the daemon still holds of it; the kernel's side has ended.
  if (const auto freed = kernel_.detach(cgroup); !freed)
    log::warning({.cgroup = path, .cgroup_id = cgroup}, "what {} left behind stays loaded: {}",
                 path, freed.error());
}

void Children::failed(const std::string& path, CgroupId cgroup, const Policy& policy,
                      const ExitInfo& exit, Time now) {
  const auto* delegation = delegation_of(policy, path);
  auto& supervision = supervision_[path];
  supervision.failed(now, delegation == nullptr ? RestartPolicy{} : delegation->restart, jitter_(),
                     "its scheduler ended: " + describe(exit));
  auto about = fields(message::kSchedulerExited, path, cgroup, loaded_.at(cgroup).scheduler);
  about.exit_kind = exit.kind;
  about.exit_code = exit.code;
  about.dump = exit.dump;
  log::error(about,
             "the scheduler {} of {} ended: {}; its tasks are with the scheduler above and {}",
             about.scheduler, path, describe(exit), consequence(supervision, now));
  report_quarantine(supervision, about);
}

bool Children::detach_unwanted(const std::vector<Desired>& desired, const Observation& observation,
                               Time now) {
  bool any = false;
  for (const auto cgroup : to_detach(situation(desired, observation, now))) {
    // It is its successor that will go.
    if (is_attaching_to(cgroup))
      continue;
    const auto& path = loaded_.at(cgroup).path;
    if (const auto detached = kernel_.detach(cgroup); !detached) {
      log::error({.cgroup = path, .cgroup_id = cgroup}, "cannot detach the scheduler of {}: {}",
                 path, detached.error());
      continue;
    }
    leaving_.insert(loaded_.extract(cgroup));
    missing_since_.erase(cgroup);
    any = true;
  }
  return any;
}

void Children::end_misbehaving(const CgroupTree& cgroups, const Policy& policy, Time now) {
  std::set<CgroupId> watched;
  for (const auto& delegation : policy.delegations) {
    if (!delegation.restart.max_denied_per_second)
      continue;
    const auto* cgroup = cgroups.find(delegation.cgroup);
    if (cgroup == nullptr || !loaded_.contains(cgroup->id))
      continue;
    watched.insert(cgroup->id);
    judge(delegation, cgroup->id, now);
  }
  misconduct_.retain(watched);
}

void Children::judge(const Delegation& delegation, CgroupId cgroup, Time now) {
  if (!misconduct_.is_due(cgroup, now))
    return;
  const auto counters = kernel_.counters(cgroup);
  if (!counters)
    return;
  const auto rate = misconduct_.look(cgroup, counters->denied, now);
  if (!rate || *rate <= *delegation.restart.max_denied_per_second)
    return;
  const auto why =
      fmt::format("the kernel refused it {:.0f} requests a second, and max_denied_per_second is {}",
                  *rate, *delegation.restart.max_denied_per_second);
  if (const auto killed = kernel_.kill(cgroup, why); !killed)
    log::warning({.cgroup = delegation.cgroup, .cgroup_id = cgroup},
                 "cannot end the scheduler of {}, though {}: {}", delegation.cgroup, why,
                 killed.error());
}

AttachQueue Children::to_attach(const std::vector<Desired>& desired, const Observation& observation,
                                Time now) const {
  return attaching_ ? AttachQueue{} : AttachQueue(situation(desired, observation, now));
}

void Children::attach(const Delegation& delegation, CgroupId cgroup, KernelPort::Done done) {
  attaching_ = Attempt{.delegation = delegation, .cgroup = cgroup, .generation = generation_};
  kernel_.attach(attach_request({&delegation, cgroup}), std::move(done));
}

void Children::finish_attach(const Status& outcome, bool cgroup_exists, Time now) {
  const auto attempt = *std::exchange(attaching_, std::nullopt);
  const auto& delegation = attempt.delegation;
  auto& supervision = supervision_[delegation.cgroup];
  if (outcome) {
    supervision.succeeded();
    return put(attempt);
  }
  if (!cgroup_exists || attempt.generation != generation_)
    return;
  forget_if_gone(attempt.cgroup);
  const auto& error = outcome.error();
  if (is_hopeless(error))
    supervision.gave_up(error.message);
  else
    supervision.failed(now, delegation.restart, jitter_(), error.message);
  report_failure(attempt, error.message, now);
}

void Children::put(const Attempt& attempt) {
  const auto& delegation = attempt.delegation;
  if (loaded_.contains(attempt.cgroup))
    reasons_.insert_or_assign(attempt.cgroup, std::string(detach_reason(ExitClass::requested)));
  loaded_.insert_or_assign(attempt.cgroup, Loaded{.path = delegation.cgroup,
                                                  .scheduler = delegation.scheduler,
                                                  .options = delegation.options,
                                                  .current = true});
}

// A successor that could be loaded and not attached leaves nothing behind.
void Children::forget_if_gone(CgroupId cgroup) {
  const auto observation = kernel_.observe();
  if (!loaded_.contains(cgroup) || !observation || observation->find(cgroup) != nullptr)
    return;
  loaded_.erase(cgroup);
  reasons_.insert_or_assign(cgroup, std::string(detach_reason(ExitClass::requested)));
  static_cast<void>(kernel_.detach(cgroup));
}

void Children::report_failure(const Attempt& attempt, const std::string& why, Time now) const {
  const auto& delegation = attempt.delegation;
  const auto& supervision = supervision_.at(delegation.cgroup);
  const auto about =
      fields(message::kAttachFailed, delegation.cgroup, attempt.cgroup, delegation.scheduler);
  const auto kept = scheduler_at(attempt.cgroup);
  log::error(about, "cannot attach the scheduler {} to {}: {}; {}{}", delegation.scheduler,
             delegation.cgroup, why,
             kept.empty() ? "" : fmt::format("{} goes on there as it is, and ", kept),
             consequence(supervision, now));
  if (kept.empty())
    report_quarantine(supervision, about);
}

void Children::hold_back(const Delegation& delegation, std::string why) {
  supervision_[delegation.cgroup].note(std::move(why));
}

std::optional<Children::Time> Children::next_deadline(Time now) const {
  std::optional<Time> earliest;
  const auto consider = [&earliest, now](Time at) {
    if (at > now && (!earliest || at < *earliest))
      earliest = at;
  };
  for (const auto& [path, supervision] : supervision_)
    if (const auto at = supervision.retry_at())
      consider(*at);
  for (const auto& [cgroup, since] : missing_since_)
    consider(since + kExitRecordWait);
  for (const auto at : {misconduct_.next_look(), ages_.next(now)})
    if (at)
      consider(*at);
  return earliest;
}

SchedulerState Children::state(const Delegation& delegation, CgroupId cgroup) const {
  if (loaded_.contains(cgroup) || leaving_.contains(cgroup))
    return SchedulerState::attached;
  if (attaching_ && attaching_->delegation.cgroup == delegation.cgroup)
    return SchedulerState::attaching;
  const auto* supervision = find(delegation);
  if (supervision == nullptr)
    return SchedulerState::waiting;
  if (supervision->quarantined())
    return SchedulerState::quarantined;
  return supervision->retry_at() ? SchedulerState::backing_off : SchedulerState::waiting;
}

std::string Children::last_error(const Delegation& delegation) const {
  const auto* supervision = find(delegation);
  return supervision == nullptr ? std::string{} : supervision->last_error();
}

bool Children::is_out(const Delegation& delegation) const {
  const auto* supervision = find(delegation);
  return supervision != nullptr && supervision->quarantined() &&
         std::ranges::none_of(loaded_, [&delegation](const auto& entry) {
           return entry.second.path == delegation.cgroup;
         });
}

std::string Children::scheduler_at(CgroupId cgroup) const {
  const auto found = loaded_.find(cgroup);
  return found == loaded_.end() ? std::string{} : found->second.scheduler;
}

bool Children::keeps_old(const Delegation& delegation, CgroupId cgroup) const {
  const auto found = loaded_.find(cgroup);
  return found != loaded_.end() && !is_current(found->second, delegation);
}

std::string Children::why_not_replaced(const Delegation& delegation, CgroupId cgroup) const {
  return keeps_old(delegation, cgroup) ? last_error(delegation) : std::string{};
}

// A replacement that has failed is not on its way, but for the moment of its next attempt.
bool Children::is_changing(const Delegation& delegation, CgroupId cgroup) const {
  return leaving_.contains(cgroup) || is_attaching_to(cgroup) ||
         (keeps_old(delegation, cgroup) && last_error(delegation).empty());
}

Situation Children::situation(const std::vector<Desired>& desired, const Observation& observation,
                              Time now) const {
  return {
      .desired = desired,
      .observation = observation,
      .loaded = loaded_,
      .standing = [this, now](const Delegation& delegation) { return standing(delegation, now); }};
}

std::chrono::milliseconds Children::youth(const Delegation& delegation, CgroupId cgroup,
                                          Time now) const {
  const auto at = ages_.old_enough_at(delegation.cgroup, now);
  return at && !loaded_.contains(cgroup) ? std::chrono::ceil<std::chrono::milliseconds>(*at - now)
                                         : std::chrono::milliseconds{};
}

Standing Children::standing(const Delegation& delegation, Time now) const {
  if (ages_.old_enough_at(delegation.cgroup, now))
    return Standing::waiting;
  const auto* supervision = find(delegation);
  if (supervision == nullptr || supervision->may_try(now))
    return Standing::ready;
  return supervision->quarantined() ? Standing::out : Standing::waiting;
}

const Supervision* Children::find(const Delegation& delegation) const {
  const auto found = supervision_.find(delegation.cgroup);
  return found == supervision_.end() ? nullptr : &found->second;
}

}  // namespace fief
