// SPDX-License-Identifier: GPL-2.0-only
#include "control/policy/tenancy.hpp"

#include <algorithm>
#include <map>

#include "policy/change.hpp"
#include "policy/find.hpp"
#include "policy/layers.hpp"

namespace fief {
namespace {

Status check_asked(const OwnersWish& wish) {
  if (wish.lifetime == Lifetime::persistent)
    return fail(Errc::denied,
                "what owners of cgroups change lasts until fiefd restarts (fiefctl: --runtime)");
  for (const auto& [key, value] : wish.keys)
    if (!is_for_owners(key))
      return fail(Errc::denied, "\"{}\" is not for owners of cgroups to set", key);
  return {};
}

Status check_owner(const std::string& path, uid_t uid, const CgroupOwner& owner_of) {
  const auto owner = owner_of(path);
  if (!owner)
    return fail(Errc::denied, "{}", owner.error().message);
  if (*owner != uid)
    return fail(Errc::denied, "{} is not yours: it belongs to uid {}, and you are {}", path, *owner,
                uid);
  return {};
}

// How many delegations tenants have made in the room of @p landlord.
std::size_t room_taken(const Delegation& landlord, const Policy& resolved,
                       const PolicyLayers& layers) {
  return static_cast<std::size_t>(
      std::ranges::count_if(layers.runtime, [&](const RuntimeChange& known) {
        const auto* cgroup = founded_cgroup(known);
        return known.tenant != 0 && cgroup != nullptr &&
               landlord_of(resolved, *cgroup) == &landlord;
      }));
}

// Another one below the landlord.
Status check_room(const Policy& resolved, const PolicyLayers& layers, const Delegation& landlord) {
  if (room_taken(landlord, resolved, layers) >= landlord.tenants)
    return fail(Errc::denied,
                "{} has room for {} delegations of owners (\"tenants\"), which is taken; \"fiefctl "
                "revert\" gives one up",
                landlord.name, landlord.tenants);
  return {};
}

// Whether what a tenant asked for is still of the cgroup and of the user that it was asked for.
Status check_same(const RuntimeChange& change, const std::string& path, const CgroupTree& cgroups,
                  const CgroupOwner& owner_of) {
  const auto* node = cgroups.find(path);
  if (node == nullptr || node->id != change.cgroup)
    return fail(Errc::stale, "its cgroup is gone");
  const auto owner = owner_of(path);
  if (!owner)
    return fail(Errc::stale, "{}", owner.error().message);
  if (*owner != change.tenant)
    return fail(Errc::stale, "its cgroup belongs to uid {} by now", *owner);
  return {};
}

}  // namespace

Status check_tenant(const Policy& resolved, const PolicyLayers& layers, const OwnersWish& wish,
                    uid_t uid, const CgroupOwner& owner_of) {
  const auto* known = find_delegation(resolved, wish.subject);
  const auto& path = known != nullptr ? known->cgroup : wish.subject;
  const auto* landlord = landlord_of(resolved, path);
  if (landlord == nullptr)
    return fail(Errc::denied,
                "{} is the administrator's: no delegation above it lets the owners of cgroups "
                "delegate (\"tenants\", fief-policy(5))",
                path);
  if (const auto owned = check_owner(path, uid, owner_of); !owned)
    return owned;
  if (const auto fit = check_asked(wish); !fit)
    return fit;
  if (known == nullptr)
    return check_room(resolved, layers, *landlord);
  // That of an earlier owner has ended.
  if (!tenants_of(layers).contains(path))
    return fail(Errc::denied, "the delegation of {} is the administrator's", path);
  return {};
}

std::vector<EndedTenancy> ended_tenancies(const Policy& resolved, const PolicyLayers& layers,
                                          const CgroupTree& cgroups, const CgroupOwner& owner_of) {
  std::vector<EndedTenancy> ended;
  std::map<const Delegation*, std::uint32_t> taken;
  for (const auto& change : layers.runtime) {
    const auto* cgroup = founded_cgroup(change);
    if (change.tenant == 0 || cgroup == nullptr)
      continue;
    if (const auto same = check_same(change, *cgroup, cgroups, owner_of); !same) {
      ended.push_back({change.change.name, same.error().message});
      continue;
    }
    const auto* landlord = landlord_of(resolved, *cgroup);
    if (landlord == nullptr)
      ended.push_back({change.change.name, "no delegation above lets owners delegate any more"});
    else if (++taken[landlord] > landlord->tenants)
      ended.push_back(
          {change.change.name, fmt::format("{} has room for {} delegations of owners by now",
                                           landlord->name, landlord->tenants)});
  }
  return ended;
}

}  // namespace fief
