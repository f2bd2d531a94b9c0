// SPDX-License-Identifier: GPL-2.0-only
// Where schedulers outlive the daemon that loaded them: a directory for each under bpffs.
//
//   <base>/root/{link, record, <map>…, <program>…}
//   <base>/<cgroup id>/…
//
// The link is pinned last and unpinned first. A directory without one holds no scheduler, only what
// a daemon that was killed in between left behind.
#pragma once

#include <string>
#include <vector>

#include "core/fd.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief {

class PinDirectory {
 public:
  PinDirectory(const std::string& base, CgroupId cgroup);

  /// Makes the directory, empty.
  [[nodiscard]] Status create() const;
  /// Ends the scheduler whose link is pinned here, if there is one, waits until the kernel has
  /// taken its tasks back, and removes the directory. Idempotent.
  [[nodiscard]] Status end() const;

  [[nodiscard]] std::string path(std::string_view name) const;
  /// Opens a pinned object of any kind. Errc::not_found if there is none of that name.
  [[nodiscard]] Result<UniqueFd> open(std::string_view name) const;
  [[nodiscard]] bool holds_link() const;

 private:
  [[nodiscard]] Status clear() const;
  std::string directory_;
};

/// Names of what every directory holds.
inline constexpr std::string_view kLinkPin = "link";
inline constexpr std::string_view kRecordPin = "record";

/// Keeps every other daemon from the schedulers pinned below @p base for as long as the descriptor
/// is open. Errc::busy: one has them; Errc::unsupported: there is no bpffs at that place.
Result<UniqueFd> lock_pins(const std::string& base);

/// Those with a directory below @p base, the root first, then ascending by cgroup.
std::vector<CgroupId> pinned_schedulers(const std::string& base);

}  // namespace fief
