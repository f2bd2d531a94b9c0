// SPDX-License-Identifier: GPL-2.0-only
#include "policy/layers.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/cgroup_path.hpp"

namespace fief {
namespace {

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_main_file(const PolicyText& file) {
  return base_name(file.file) == "policy.json";
}

template <class Test>
bool any_delegation(const Policy& policy, Test test) {
  return std::ranges::any_of(policy.delegations, test) ||
         std::ranges::any_of(policy.disabled, test);
}

bool has_name(const Policy& policy, std::string_view name) {
  return any_delegation(policy, [name](const Delegation& known) { return known.name == name; }) ||
         std::ranges::any_of(policy.patterns, [name](const DelegationPattern& known) {
           return known.delegation.name == name;
         });
}

// Whether a pattern stands for the cgroup that a change is of.
bool is_meant(const Policy& policy, std::string_view path) {
  return std::ranges::any_of(policy.patterns, [path](const DelegationPattern& pattern) {
    return pattern.cgroups.matches(path);
  });
}

// The cgroup of the delegation that a change makes; nullptr: it makes none.
const std::string* founded_cgroup(const RuntimeChange& change) {
  const auto cgroup = change.change.keys.find("cgroup");
  return cgroup == change.change.keys.end() ? nullptr : std::get_if<std::string>(&cgroup->second);
}

// Whether tenants may delegate @p path, by delegations and by patterns of whatever cgroups there
// are.
bool lets_tenants(const Policy& policy, std::string_view path) {
  const auto is_landlord = [&policy](std::string_view above) {
    return std::ranges::any_of(policy.patterns, [above](const DelegationPattern& pattern) {
      return pattern.enabled && pattern.delegation.tenants > 0 && pattern.cgroups.matches(above);
    });
  };
  return landlord_of(policy, path) != nullptr || any_above(path, is_landlord);
}

// Whether the change makes a delegation, and of a cgroup that is nobody else's.
bool is_founder(const RuntimeChange& change, const Policy& policy) {
  const auto* cgroup = founded_cgroup(change);
  if (cgroup == nullptr ||
      any_delegation(policy, [cgroup](const Delegation& known) { return known.cgroup == *cgroup; }))
    return false;
  return change.tenant == 0 ||
         (!has_name(policy, change.change.name) && lets_tenants(policy, *cgroup));
}

}  // namespace

std::vector<PolicyText> sources_of(const PolicyLayers& layers) {
  auto sources = layers.files;
  for (const auto& change : layers.runtime)
    sources.push_back({change.origin, to_policy_text(change.change)});
  return sources;
}

PolicyResult effective_policy(const PolicyLayers& layers, const OptionCatalog& catalog) {
  return parse_policy(sources_of(layers), {}, catalog);
}

void lay_over(PolicyLayers& layers, RuntimeChange change) {
  auto& all = layers.runtime;
  const auto same = std::ranges::find_if(all, [&change](const RuntimeChange& known) {
    return known.hold == change.hold && known.change.name == change.change.name;
  });
  if (same != all.end()) {
    same->change = combined(std::move(same->change), change.change);
    same->origin = std::move(change.origin);
    return;
  }
  const auto place =
      change.hold != 0
          ? all.end()
          : std::ranges::find_if(all, [](const RuntimeChange& known) { return known.hold != 0; });
  all.insert(place, std::move(change));
}

void lift(PolicyLayers& layers, std::string_view name, const ChangedKeys& keys) {
  for (auto& known : layers.runtime) {
    if (known.hold != 0 || known.change.name != name)
      continue;
    if (keys.empty())
      known.change.keys.clear();
    for (const auto& [key, value] : keys)
      known.change.keys.erase(key);
  }
  std::erase_if(layers.runtime,
                [](const RuntimeChange& known) { return known.change.keys.empty(); });
}

void release(PolicyLayers& layers, std::uint64_t hold) {
  std::erase_if(layers.runtime, [hold](const RuntimeChange& known) { return known.hold == hold; });
}

void put_drop_in(PolicyLayers& layers, PolicyText file) {
  auto& files = layers.files;
  std::erase_if(files, [&file](const PolicyText& known) {
    return base_name(known.file) == base_name(file.file) && !is_main_file(known);
  });
  if (file.text.empty())
    return;
  const auto place = std::ranges::find_if(files, [&file](const PolicyText& known) {
    return !is_main_file(known) && base_name(known.file) > base_name(file.file);
  });
  files.insert(place, std::move(file));
}

bool is_tenants(const PolicyLayers& layers, std::string_view name, std::uint32_t uid) {
  return uid != 0 && std::ranges::any_of(layers.runtime, [&](const RuntimeChange& known) {
           return known.tenant == uid && known.change.name == name &&
                  founded_cgroup(known) != nullptr;
         });
}

const Delegation* landlord_of(const Policy& policy, std::string_view path) {
  const Delegation* innermost = nullptr;
  for (const auto& delegation : policy.delegations)
    if (delegation.tenants > 0 && is_below(path, delegation.cgroup) &&
        (innermost == nullptr || is_below(delegation.cgroup, innermost->cgroup)))
      innermost = &delegation;
  return innermost;
}

std::size_t tenants_below(const PolicyLayers& layers, const Delegation& landlord) {
  return static_cast<std::size_t>(
      std::ranges::count_if(layers.runtime, [&landlord](const RuntimeChange& known) {
        const auto* cgroup = founded_cgroup(known);
        return known.tenant != 0 && cgroup != nullptr && is_below(*cgroup, landlord.cgroup);
      }));
}

std::vector<std::string> lift_orphans(PolicyLayers& layers, const Policy& policy) {
  std::set<std::string> founded;
  for (const auto& known : layers.runtime)
    if (is_founder(known, policy))
      founded.insert(known.change.name);
  std::vector<std::string> lifted;
  std::erase_if(layers.runtime, [&](const RuntimeChange& known) {
    const auto& name = known.change.name;
    if (founded.contains(name) ||
        (known.tenant == 0 && (has_name(policy, name) || is_meant(policy, name))))
      return false;
    lifted.push_back(name);
    return true;
  });
  return lifted;
}

}  // namespace fief
