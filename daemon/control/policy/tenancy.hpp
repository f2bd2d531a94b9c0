// SPDX-License-Identifier: GPL-2.0-only
// What the owners of cgroups may ask for without an administrator: delegations of their own, below
// one whose "tenants" lets them, until the daemon's restart. Pure but for the owner, who is looked
// up.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "cgroup/tree.hpp"
#include "policy/layers.hpp"
#include "policy/policy.hpp"

namespace fief {

/// The uid that a cgroup's directory belongs to, by path. Errc::not_found.
using CgroupOwner = std::function<Result<uid_t>(const std::string& path)>;

/// As Backend::check_tenant(), by the policy in force and the layers it is made of.
Status check_tenant(const Policy& resolved, const PolicyLayers& layers, const OwnersWish& wish,
                    uid_t uid, const CgroupOwner& owner_of);

/// A tenant's delegation that is to end.
struct EndedTenancy {
  std::string name;
  std::string why;
};

/// Those whose cgroup is gone or another's by now, and those for which there is no room (any more);
/// of several, who came last goes.
std::vector<EndedTenancy> ended_tenancies(const Policy& resolved, const PolicyLayers& layers,
                                          const CgroupTree& cgroups, const CgroupOwner& owner_of);

}  // namespace fief
