// SPDX-License-Identifier: GPL-2.0-only
// Strong ids: a cgroup id cannot be passed where a cid is wanted.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace fief {

/// An integer with a meaning; ordered and hashable, convertible only by name.
template <class Tag, class Rep>
struct StrongId {
  Rep value{};
  friend constexpr auto operator<=>(StrongId, StrongId) = default;
};

/// A cgroup's inode number, which is also its sub-scheduler's id. 0 names the root scheduler
/// (or, among the participants of a scheduler, the scheduler's own tasks).
using CgroupId = StrongId<struct CgroupIdTag, std::uint64_t>;
inline constexpr CgroupId kSelf{0};

/// A CPU's number in the kernel's topology order, in [0, nr_cids).
using Cid = StrongId<struct CidTag, std::uint32_t>;

}  // namespace fief

// The check takes StrongId for a type of the standard library.
template <class Tag, class Rep>
struct std::hash<fief::StrongId<Tag, Rep>> {  // NOLINT(bugprone-std-namespace-modification)
  std::size_t operator()(fief::StrongId<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
