// SPDX-License-Identifier: GPL-2.0-only
// Follows what the daemon announces, also while it comes and goes.
#pragma once

#include <functional>
#include <string>

#include "core/result.hpp"
#include "status/json_values.hpp"

namespace fief::cli {

/// One thing that happened.
struct Announcement {
  /// "attached", "detached", "changed", "daemon-appeared" or "daemon-vanished".
  std::string event;
  std::string cgroup;  ///< "" if it concerns the daemon as a whole
  json::Json details;  ///< an object: scheduler, reason, or the changed properties
};

/// Calls @p tell for everything that happens from now on; it returns false to end. Returns only
/// then, or with why the bus cannot be followed (any more).
Status follow(const std::function<bool(const Announcement&)>& tell);

/// "detached /a scheduler=fair reason=requested"
std::string to_line(const Announcement& announcement);

}  // namespace fief::cli
