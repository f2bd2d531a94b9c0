// SPDX-License-Identifier: GPL-2.0-only
// Which kind of cgroup hierarchy a host runs.
#pragma once

#include <string>

#include "core/result.hpp"

namespace fief {

/// Errc::unsupported unless @p mount is a cgroup2 hierarchy, naming what is there instead: cgroup
/// v1, alone or as systemd's "hybrid". Errc::not_found, Errc::io.
Status check_is_cgroup2(const std::string& mount);

}  // namespace fief
