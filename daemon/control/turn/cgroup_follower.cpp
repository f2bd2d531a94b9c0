// SPDX-License-Identifier: GPL-2.0-only
#include "control/turn/cgroup_follower.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "cgroup/hierarchy.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

// The kernel tells of a CPU that comes or goes before it adjusts the cpusets, which takes it some
// milliseconds and is told to nobody.
constexpr std::chrono::milliseconds kCpusetsFollow{500};

}  // namespace

bool CgroupFollower::take_in(Time now) {
  if (retry_at_ && now < *retry_at_)
    return false;
  const auto changed = is_lost() ? watcher_.reread() : watcher_.drain();
  if (!changed) {
    note_failure(changed.error(), now);
    return false;
  }
  note_success();
  tell_unfollowed();
  return *changed;
}

void CgroupFollower::note_failure(const Error& why, Time now) {
  if (!is_lost())
    log::error({.message_id = message::kCgroupsUnread},
               "cannot follow the cgroups, and tries again and again: {}", why);
  failure_ = fmt::format("cannot follow the cgroups: {}", why.message);
  retry_at_ = now + backoff_.next();
}

void CgroupFollower::note_success() {
  retry_at_.reset();
  backoff_.reset();
  if (!std::exchange(failure_, {}).empty())
    log::notice({.message_id = message::kCgroupsUnread}, "the cgroups are followed again");
}

void CgroupFollower::tell_unfollowed() {
  if (told_unfollowed_)
    return;
  const auto path = watcher_.unfollowed();
  if (path.empty())
    return;
  told_unfollowed_ = true;
  log::warning(
      {.message_id = message::kCgroupsUnread, .cgroup = path},
      "the cgroups below {} are not followed, nor any that are as deep: fief looks {} levels "
      "and {} bytes of path deep, far below any that can have a scheduler",
      path, kMaxCgroupDepth, kMaxCgroupPath);
}

std::optional<CgroupFollower::Time> CgroupFollower::next_deadline() const {
  if (retry_at_ && cpusets_due_)
    return std::min(*retry_at_, *cpusets_due_);
  return retry_at_ ? retry_at_ : cpusets_due_;
}

void CgroupFollower::follow(const Event& event) {
  if (const auto* weight = std::get_if<WeightChanged>(&event)) {
    // No other than before: the limit was written, or cpu.idle. The next turn hears of the file.
    watcher_.note_weight(weight->cgroup, weight->weight);
  } else if (const auto* dropped = std::get_if<EventsDropped>(&event)) {
    log::warning({.message_id = message::kEventsDropped},
                 "{} events of the kernel were lost; everything is read afresh", dropped->count);
    if (const auto reread = watcher_.reread(); !reread)
      note_failure(reread.error(), std::chrono::steady_clock::now());
  } else if (std::holds_alternative<CidHotplug>(event)) {
    cpusets_due_ = std::chrono::steady_clock::now() + kCpusetsFollow;
  }
}

bool CgroupFollower::verify(Time now) {
  const auto changed = watcher_.read_noted();
  if (!changed)
    note_failure(changed.error(), now);
  return changed.value_or(false);
}

void CgroupFollower::reread_cpusets_if_due(Time now) {
  if (!cpusets_due_ || now < *cpusets_due_)
    return;
  cpusets_due_.reset();
  if (const auto reread = watcher_.reread_cpusets(); !reread)
    note_failure(reread.error(), now);
}

}  // namespace fief
