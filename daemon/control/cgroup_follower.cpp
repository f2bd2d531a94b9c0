// SPDX-License-Identifier: GPL-2.0-only
#include "control/cgroup_follower.hpp"

#include <variant>

#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

// The kernel tells of a CPU that comes or goes before it adjusts the cpusets, which takes it some
// milliseconds and is told to nobody.
constexpr std::chrono::milliseconds kCpusetsFollow{500};

}  // namespace

bool CgroupFollower::take_in() {
  const auto changes = watcher_.drain();
  if (!changes)
    log::error({}, "cannot follow the cgroups: {}", changes.error().message);
  return changes && !changes->empty();
}

void CgroupFollower::follow(const Event& event) {
  if (const auto* weight = std::get_if<WeightChanged>(&event)) {
    // No other weight than before: the limit was written, or cpu.idle.
    if (watcher_.note_weight(weight->cgroup, weight->weight))
      return;
    if (const auto changed = watcher_.reread_weight(weight->cgroup); !changed)
      log::warning({.cgroup_id = weight->cgroup}, "a weight stays unknown: {}",
                   changed.error().message);
  } else if (const auto* dropped = std::get_if<EventsDropped>(&event)) {
    log::warning({.message_id = message::kEventsDropped},
                 "{} events of the kernel were lost; everything is read afresh", dropped->count);
    if (const auto reread = watcher_.reread(); !reread)
      log::error({}, "cannot read the cgroups afresh: {}", reread.error().message);
  } else if (std::holds_alternative<CidHotplug>(event)) {
    cpusets_due_ = std::chrono::steady_clock::now() + kCpusetsFollow;
  }
}

bool CgroupFollower::verify() {
  const auto changes = watcher_.read_noted();
  if (!changes)
    log::error({}, "cannot read a cgroup's weight: {}", changes.error().message);
  return changes && !changes->empty();
}

void CgroupFollower::reread_cpusets_if_due(Time now) {
  if (!cpusets_due_ || now < *cpusets_due_)
    return;
  cpusets_due_.reset();
  if (const auto changes = watcher_.reread_cpusets(); !changes)
    log::error({}, "cannot read the cpusets afresh: {}", changes.error().message);
}

}  // namespace fief
