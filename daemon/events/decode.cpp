// SPDX-License-Identifier: GPL-2.0-only
// Ring records come from the kernel, but from programs that an administrator may replace: nothing
// in them is trusted beyond its size.
#include <cstring>

#include "events/event.hpp"
#include "fief/abi.h"

namespace fief {
namespace {

// The name may fill the field without a terminating zero.
std::string name_of(const fief_event& record) {
  return {record.name, strnlen(record.name, sizeof(record.name))};
}

// steady_clock is the kernel's CLOCK_MONOTONIC.
std::chrono::steady_clock::time_point time_of(const fief_event& record) {
  return std::chrono::steady_clock::time_point(
      std::chrono::nanoseconds(static_cast<std::int64_t>(record.time_ns)));
}

}  // namespace

Result<Event> decode_event(std::span<const std::byte> record) {
  fief_event raw{};
  if (record.size() != sizeof(raw))
    return fail(Errc::invalid, "an event record has {} bytes instead of {}", record.size(),
                sizeof(raw));
  std::memcpy(&raw, record.data(), sizeof(raw));
  const CgroupId scheduler{raw.scheduler};
  const CgroupId cgroup{raw.cgroup_id};
  switch (raw.kind) {
    case FIEF_EVENT_CHILD_ATTACHED:
      return ChildAttached{scheduler, cgroup, name_of(raw)};
    case FIEF_EVENT_CHILD_DETACHED:
      return ChildDetached{scheduler, cgroup};
    case FIEF_EVENT_WEIGHT_CHANGED:
      return WeightChanged{cgroup, raw.value, time_of(raw)};
    case FIEF_EVENT_ACTIVITY_CHANGED:
      return ActivityChanged{scheduler};
    case FIEF_EVENT_EXITED:
      return SchedulerExited{cgroup, raw.value, raw.code};
    case FIEF_EVENT_CID_ONLINE:
    case FIEF_EVENT_CID_OFFLINE:
      return CidHotplug{Cid{raw.value}, raw.kind == FIEF_EVENT_CID_ONLINE};
    default:
      return fail(Errc::invalid, "an event record is of the unknown kind {}", raw.kind);
  }
}

}  // namespace fief
