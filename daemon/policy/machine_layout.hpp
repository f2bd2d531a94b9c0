// SPDX-License-Identifier: GPL-2.0-only
// Where virtual machines and containers have their cgroups that systemd-machined knows. Private to
// the parser.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace fief {

/// The regular expression of the own cgroup of machine @p name, or of those of a glob of "*" and
/// "?", whatever slice it is in: of libvirt, by the name of its domain, of systemd-nspawn and
/// systemd-vmspawn, started as a service or by hand, and of whoever else registers scopes as these
/// do. Nothing but slices stands above. Errc::invalid: why it names no machine.
Result<std::string> machine_regex(std::string_view name);

}  // namespace fief
