// SPDX-License-Identifier: GPL-2.0-only
// Who may be connected: so many of one user, and of all but root. Whoever comes finds a place,
// since whoever has most makes room. Pure.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

namespace fief::varlink {

/// Root's tools never come near these; others share what is left of the daemon's memory.
inline constexpr std::ptrdiff_t kMaxOfOneUser = 16;
inline constexpr std::ptrdiff_t kMaxOfUsers = 64;

/// A connection of a user other than root.
struct Place {
  uid_t uid = 0;
  std::chrono::steady_clock::time_point since;  ///< when it was last heard of
  bool idle = false;                            ///< nobody waits for anything but its next call
};

struct Admittance {
  bool admitted = false;
  std::optional<std::size_t> leaves;  ///< which of those there are ends for it
};

/// Whether @p uid may have another connection beside @p taken. Of its own only an idle one ends for
/// it; of whoever has more than it, and more than anybody, the one that is idle for longest, or
/// that was not heard of for longest.
Admittance admit(std::span<const Place> taken, uid_t uid);

}  // namespace fief::varlink
