// SPDX-License-Identifier: GPL-2.0-only
#include "control/view/announcer.hpp"

#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

log::Fields fields(std::string_view id, const SchedulerView& scheduler) {
  return {.message_id = id,
          .cgroup = scheduler.path,
          .cgroup_id = scheduler.cgroup,
          .delegation = scheduler.pattern.empty() ? scheduler.delegation : scheduler.pattern,
          .scheduler = scheduler.scheduler};
}

using Announced = std::map<CgroupId, SchedulerView>;

// The kernel still shows it, and it is on its way out: it is one of fief's own, by its name, that
// this daemon has let go of, or one that it detaches, of which no delegation speaks.
bool is_leaving(const SchedulerView& scheduler) {
  return scheduler.foreign ? scheduler.scheduler.starts_with("fief_")
                           : scheduler.delegation.empty();
}

// What is attached and known to have started, in a cgroup that is still there. Who is leaving is
// what it was before, or nothing.
Announced attached_children(const StatusView& status, const Announced& before) {
  Announced attached;
  for (const auto& scheduler : status.schedulers) {
    if (scheduler.state != SchedulerState::attached || scheduler.cgroup == kSelf ||
        scheduler.path.empty())
      continue;
    const auto known = before.find(scheduler.cgroup);
    if (!is_leaving(scheduler))
      attached.emplace(scheduler.cgroup, scheduler);
    else if (known != before.end())
      attached.insert(*known);
  }
  return attached;
}

}  // namespace

void Announcer::publish(const StatusView& now, const std::map<CgroupId, std::string>& reasons,
                        const CgroupTree& cgroups) {
  // Who went for a known reason is not there any more, though the kernel may show it for a moment.
  auto staying = announced_;
  std::erase_if(staying, [&](const auto& entry) { return reasons.contains(entry.first); });
  const auto attached = attached_children(now, staying);
  const auto before = std::exchange(announced_, attached);
  const auto stayed = [&reasons](const auto& entry, const auto& others) {
    const auto other = others.find(entry.first);
    return other != others.end() && other->second.scheduler == entry.second.scheduler &&
           !reasons.contains(entry.first);
  };
  for (const auto& entry : before) {
    if (stayed(entry, attached))
      continue;
    const auto reason = reasons.find(entry.first);
    const auto exists = cgroups.find(entry.first) != nullptr;
    announce_detached(entry.second, reason != reasons.end() ? reason->second
                                    : exists                ? "exited"
                                                            : "cgroup-removed");
  }
  for (const auto& entry : attached)
    if (!stayed(entry, before))
      announce_attached(entry.second);
  const auto text = fmt::format("{}: {} schedulers attached, plan {}", now.state, attached.size(),
                                now.plan_number);
  if (std::exchange(summary_, text) != text)
    progress_(text);
  changed();
}

void Announcer::retract(const std::string& reason) {
  for (const auto& [cgroup, scheduler] : std::exchange(announced_, {}))
    if (listener_ != nullptr)
      listener_->scheduler_detached(scheduler, reason);
}

void Announcer::changed() {
  if (listener_ != nullptr)
    listener_->status_changed();
}

void Announcer::announce_detached(const SchedulerView& scheduler, const std::string& reason) {
  log::info(fields(message::kSchedulerDetached, scheduler),
            "the scheduler {} of {} is detached: {}", scheduler.scheduler, scheduler.path, reason);
  if (listener_ != nullptr)
    listener_->scheduler_detached(scheduler, reason);
}

void Announcer::announce_attached(const SchedulerView& scheduler) {
  log::info(fields(message::kSchedulerAttached, scheduler), "the scheduler {} is attached to {}",
            scheduler.scheduler, scheduler.path);
  if (listener_ != nullptr)
    listener_->scheduler_attached(scheduler);
}

}  // namespace fief
