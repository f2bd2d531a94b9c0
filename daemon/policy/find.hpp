// SPDX-License-Identifier: GPL-2.0-only
// Delegations and cgroups by what people call them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cgroup/tree.hpp"
#include "policy/policy.hpp"

namespace fief {

/// The delegation, enabled or not, that people call @p subject: by its name, its cgroup's path, or
/// the last part of that path where only one ends so; ".service" may be missing there. A container
/// goes by the first 12 digits of its id as well, or more. nullptr if there is none.
const Delegation* find_delegation(const Policy& policy, std::string_view subject);

/// The cgroups of the unit @p name, as systemctl takes it: without a type it is a service. Nothing
/// but slices stands above them. A glob may mean several.
std::vector<std::string> cgroups_of_unit(const CgroupTree& cgroups, std::string_view name);

/// `; did you mean "db.service"?` of the cgroups that are where @p path would be, or "".
std::string near_cgroup(const CgroupTree& cgroups, std::string_view path);

}  // namespace fief
