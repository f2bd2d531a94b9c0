// SPDX-License-Identifier: GPL-2.0-only
// What the BPF side reports, as types. Decoded from fief_event records of the ring.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief {

struct ChildAttached {
  CgroupId scheduler;  ///< the parent that reports
  CgroupId cgroup;
  std::string name;
};
struct ChildDetached {
  CgroupId scheduler;
  CgroupId cgroup;
};
struct WeightChanged {
  CgroupId cgroup;
  std::uint32_t weight = 0;
  std::chrono::steady_clock::time_point written{};  ///< when the kernel was told
};
struct ActivityChanged {
  CgroupId scheduler;
};
struct SchedulerExited {
  CgroupId cgroup;  ///< kSelf: the root
  std::uint32_t kind = 0;
  std::int64_t code = 0;
};
struct CidHotplug {
  Cid cid;
  bool online = false;
};
/// Records were lost since the last look: observe everything afresh.
struct EventsDropped {
  std::uint64_t count = 0;
};

using Event = std::variant<ChildAttached, ChildDetached, WeightChanged, ActivityChanged,
                           SchedulerExited, CidHotplug, EventsDropped>;

/// Decodes one ring record. Errc::invalid for a record of a wrong size or an unknown kind.
Result<Event> decode_event(std::span<const std::byte> record);

}  // namespace fief
