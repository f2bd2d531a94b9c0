// SPDX-License-Identifier: GPL-2.0-only
// What others see of the controller: status, and who came and who went.
#include <utility>

#include "control/controller.hpp"
#include "control/status.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

log::Fields fields(std::string_view id, const SchedulerView& scheduler) {
  return {.message_id = id,
          .cgroup = scheduler.path,
          .cgroup_id = scheduler.cgroup,
          .scheduler = scheduler.scheduler};
}

// What is attached and known to have started.
std::map<CgroupId, SchedulerView> attached_children(const StatusView& status) {
  std::map<CgroupId, SchedulerView> attached;
  for (const auto& scheduler : status.schedulers)
    if (scheduler.state == SchedulerState::attached && scheduler.cgroup != kSelf)
      attached.emplace(scheduler.cgroup, scheduler);
  return attached;
}

}  // namespace

void Controller::publish() {
  const auto reasons = children_.take_reasons();
  const auto now = status(Figures::leave_out);
  const auto attached = attached_children(now);
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
    const auto exists = watcher_.tree().find(entry.first) != nullptr;
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
    hooks_.progress(text);
  if (listener_ != nullptr)
    listener_->status_changed();
}

void Controller::announce_detached(const SchedulerView& scheduler, const std::string& reason) {
  log::info(fields(message::kSchedulerDetached, scheduler),
            "the scheduler {} of {} is detached: {}", scheduler.scheduler, scheduler.path, reason);
  if (listener_ != nullptr)
    listener_->scheduler_detached(scheduler, reason);
}

void Controller::announce_attached(const SchedulerView& scheduler) {
  log::info(fields(message::kSchedulerAttached, scheduler), "the scheduler {} is attached to {}",
            scheduler.scheduler, scheduler.path);
  if (listener_ != nullptr)
    listener_->scheduler_attached(scheduler);
}

StatusView Controller::status(Figures figures) const {
  StatusSources sources{.policy = policy_,
                        .cgroups = watcher_.tree(),
                        .plan = plan_,
                        .observation = observation_,
                        .children = children_,
                        .kernel = kernel_,
                        .usage = {}};
  if (figures == Figures::read)
    sources.usage = [this](const CgroupNode& node) -> std::optional<std::uint64_t> {
      const auto usage = read_usage_usec(config_.cgroup_mount, node.path, node.id);
      return usage ? std::optional(*usage) : std::nullopt;
    };
  StatusView view;
  view.version = FIEF_VERSION;
  view.state = state_name();
  view.plan_number = plan_.number;
  if (observation_.root_enabled)
    view.places = kernel_.topology().cids;
  for (const auto& cid : view.places)
    view.cpu_of_cid.push_back(cid.cpu);
  view.nr_cpus = static_cast<std::uint32_t>(view.cpu_of_cid.size());
  view.as_planned = as_planned_;
  view.policy_file = policy_is_kept_ ? "last good copy of " + policy_files_ : policy_files_;
  view.policy_error = policy_error_;
  view.schedulers = scheduler_views(sources);
  view.schedulers.front().last_error = !plan_error_.empty()     ? plan_error_
                                       : !root_refusal_.empty() ? root_refusal_
                                                                : root_.last_error();
  return view;
}

std::string Controller::state_name() const {
  if (phase_ == Phase::stopped)
    return "stopping";
  if (!was_ready_)
    return "starting";
  return is_degraded() ? "degraded" : "running";
}

bool Controller::is_degraded() const {
  return phase_ != Phase::running || !policy_error_.empty() || !plan_error_.empty() ||
         !root_refusal_.empty() || !delegations_in_force();
}

}  // namespace fief
