// SPDX-License-Identifier: GPL-2.0-only
#include "control/tenancy.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "policy/find.hpp"
#include "policy/layers.hpp"

namespace fief {
namespace {

// What a delegation gets of what is due to the one above; nothing that a class may bring along.
constexpr std::array<std::string_view, 10> kKeys{"weight",    "min_cpus", "max_cpus", "exclusive",
                                                 "placement", "smt",      "lend",     "borrow",
                                                 "scheduler", "options"};

Status check_asked(const ChangeRequest& request) {
  if (request.lifetime == Lifetime::persistent)
    return fail(Errc::denied,
                "what owners of cgroups change lasts until fiefd restarts (fiefctl: --runtime)");
  for (const auto& [key, value] : request.keys)
    if (std::ranges::find(kKeys, key) == kKeys.end())
      return fail(Errc::denied, "\"{}\" is not for owners of cgroups to set", key);
  return {};
}

Status check_owner(const std::string& path, uid_t uid, const CgroupOwner& owner_of) {
  const auto owner = owner_of(path);
  if (!owner)
    return fail(Errc::denied, "{}", owner.error().message);
  if (*owner != uid)
    return fail(Errc::denied, "{} belongs to uid {}, not to {}", path, *owner, uid);
  return {};
}

// Another one below the landlord.
Status check_room(const PolicyLayers& layers, const Delegation& landlord) {
  if (tenants_below(layers, landlord) >= landlord.tenants)
    return fail(Errc::denied,
                "{} has room for {} delegations of owners (\"tenants\"), which is taken; \"fiefctl "
                "revert\" gives one up",
                landlord.name, landlord.tenants);
  return {};
}

}  // namespace

Status check_tenant(const Policy& resolved, const PolicyLayers& layers,
                    const ChangeRequest& request, uid_t uid, const CgroupOwner& owner_of) {
  const auto* known = find_delegation(resolved, request.subject);
  const auto& path = known != nullptr ? known->cgroup : request.subject;
  const auto* landlord = landlord_of(resolved, path);
  if (landlord == nullptr)
    return fail(Errc::denied,
                "no delegation above {} lets the owners of cgroups delegate (\"tenants\", "
                "fief-policy(5))",
                path);
  if (const auto owned = check_owner(path, uid, owner_of); !owned)
    return owned;
  if (const auto fit = check_asked(request); !fit)
    return fit;
  if (known == nullptr)
    return check_room(layers, *landlord);
  if (!is_tenants(layers, known->name, uid))
    return fail(Errc::denied, "the delegation of {} is the administrator's", path);
  return {};
}

}  // namespace fief
