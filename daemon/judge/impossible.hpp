// SPDX-License-Identifier: GPL-2.0-only
// What a policy asks of a machine and could not have there even if nobody else asked for anything:
// more CPUs than there are, or CPUs and nodes that are not there. Pure.
#pragma once

#include <vector>

#include "policy/fault.hpp"
#include "policy/policy.hpp"
#include "policy/show.hpp"
#include "topology/topology.hpp"

namespace fief {

/// A fault for "root" and for each delegation and pattern whose demands cannot be met, whether or
/// not its cgroup is there. @p shown: the same policy, for the places of the values.
std::vector<PolicyFault> impossible_demands(const Policy& policy, const ShownPolicy& shown,
                                            const Topology& topology);

}  // namespace fief
