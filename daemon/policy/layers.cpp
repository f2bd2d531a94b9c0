// SPDX-License-Identifier: GPL-2.0-only
#include "policy/layers.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "core/cgroup_path.hpp"
#include "core/longest_run.hpp"
#include "policy/keys.hpp"

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
  return change.tenant == 0 || (!has_name(policy, change.change.name) &&
                                !is_meant(policy, *cgroup) && lets_tenants(policy, *cgroup));
}

// So many contradictions of one tenant's are looked for one by one.
constexpr std::uint32_t kPatience = 3;

// Whether a tenant's delegation stays one with it that contradicts nobody.
bool is_founding(std::string_view key) {
  return key == "cgroup" || key == "enabled" || owners_of(key) == Owners::may;
}

ChangedKeys without_wishes(ChangedKeys keys) {
  std::erase_if(keys, [](const auto& entry) { return !is_founding(entry.first); });
  return keys;
}

// Finds what tenants' delegations have to do without, so that layers are free of contradictions.
class TenantsOnTrial {
 public:
  TenantsOnTrial(const PolicyLayers& layers, const OptionCatalog& catalog)
      : layers_(layers), catalog_(catalog) {
    for (const auto& change : layers.runtime)
      if (change.tenant != 0 && founded_cgroup(change) != nullptr) {
        places_.emplace(change.change.name, tenancies_.size());
        tenancies_.push_back({change.change.name, change.tenant});
      }
  }

  tl::expected<SoundPolicy, std::vector<PolicyFault>> judge() {
    if (auto without = policy(0); !without)
      return tl::unexpected(std::move(without.error()));
    for (std::size_t at = 0; at < tenancies_.size();) {
      at += longest_run(tenancies_.size() - at,
                        [&](std::size_t count) { return policy(at + count).has_value(); });
      if (at < tenancies_.size())
        concede(at++);
    }
    auto sound = with(tenancies_.size());
    auto made = effective_policy(sound, catalog_);
    if (!made)
      return tl::unexpected(std::move(made.error()));
    return SoundPolicy{std::move(sound), std::move(*made), lifted()};
  }

 private:
  enum class Kept { all, founding, none };
  struct Tenancy {
    std::string name;
    std::uint32_t uid = 0;
    Kept kept = Kept::all;
  };

  // With the first @p count of tenants' delegations.
  [[nodiscard]] PolicyLayers with(std::size_t count) const {
    PolicyLayers some{layers_.files, {}};
    for (auto change : layers_.runtime) {
      const auto place = places_.find(change.change.name);
      if (place != places_.end()) {
        const auto kept = tenancies_[place->second].kept;
        if (place->second >= count || kept == Kept::none)
          continue;
        if (kept == Kept::founding && change.tenant != 0)
          change.change.keys = without_wishes(std::move(change.change.keys));
        if (change.change.keys.empty())
          continue;
      }
      some.runtime.push_back(std::move(change));
    }
    return some;
  }

  [[nodiscard]] PolicyResult policy(std::size_t count) const {
    return parse_policy(sources_of(with(count)), {}, catalog_);
  }

  void concede(std::size_t at) {
    auto& tenancy = tenancies_[at];
    if (tenancy.kept == Kept::all) {
      tenancy.kept = Kept::founding;
      if (policy(at + 1))
        return note(at);
    }
    tenancy.kept = Kept::none;
    note(at);
  }

  void note(std::size_t at) {
    const auto& [name, uid, kept] = tenancies_[at];
    if (++conceded_[{uid, kept}] < kPatience)
      return;
    for (auto next = at + 1; next < tenancies_.size(); ++next)
      if (tenancies_[next].uid == uid)
        tenancies_[next].kept = std::max(tenancies_[next].kept, kept);
  }

  [[nodiscard]] std::vector<std::string> lifted() const {
    std::vector<std::string> names;
    for (const auto& tenancy : tenancies_)
      if (tenancy.kept != Kept::all)
        names.push_back(tenancy.name);
    return names;
  }

  const PolicyLayers& layers_;
  const OptionCatalog& catalog_;
  std::vector<Tenancy> tenancies_;  // in the order in which they were made
  std::map<std::string, std::size_t, std::less<>> places_;
  std::map<std::pair<std::uint32_t, Kept>, std::uint32_t> conceded_;
};

// Lower ranks come first.
std::pair<bool, bool> rank(const RuntimeChange& change) {
  return {change.tenant == 0, change.hold != 0};
}

}  // namespace

const std::string* founded_cgroup(const RuntimeChange& change) {
  const auto cgroup = change.change.keys.find("cgroup");
  return cgroup == change.change.keys.end() ? nullptr : std::get_if<std::string>(&cgroup->second);
}

std::vector<PolicyText> sources_of(const PolicyLayers& layers) {
  auto sources = layers.files;
  for (const auto& change : layers.runtime)
    sources.push_back({change.origin, to_policy_text(change.change)});
  return sources;
}

TracedResult effective_policy(const PolicyLayers& layers, const OptionCatalog& catalog) {
  return trace_policy(sources_of(layers), {}, catalog);
}

tl::expected<SoundPolicy, std::vector<PolicyFault>> sound_policy(PolicyLayers layers,
                                                                 const OptionCatalog& catalog) {
  if (auto made = effective_policy(layers, catalog))
    return SoundPolicy{std::move(layers), std::move(*made), {}};
  return TenantsOnTrial(layers, catalog).judge();
}

void lay_over(PolicyLayers& layers, RuntimeChange change) {
  auto& all = layers.runtime;
  const auto same = std::ranges::find_if(all, [&change](const RuntimeChange& known) {
    return known.hold == change.hold && known.tenant == change.tenant &&
           known.change.name == change.change.name;
  });
  if (same != all.end()) {
    same->change = combined(std::move(same->change), change.change);
    same->origin = std::move(change.origin);
    return;
  }
  const auto place = std::ranges::find_if(
      all, [&change](const RuntimeChange& known) { return rank(known) > rank(change); });
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

const Delegation* landlord_of(const Policy& policy, std::string_view path) {
  const Delegation* innermost = nullptr;
  for (const auto& delegation : policy.delegations)
    if (delegation.tenants > 0 && is_below(path, delegation.cgroup) &&
        (innermost == nullptr || is_below(delegation.cgroup, innermost->cgroup)))
      innermost = &delegation;
  return innermost;
}

Tenants tenants_of(const PolicyLayers& layers) {
  Tenants tenants;
  for (const auto& change : layers.runtime)
    if (const auto* cgroup = founded_cgroup(change); cgroup != nullptr && change.tenant != 0)
      tenants.emplace(*cgroup, change.tenant);
  return tenants;
}

void lift_tenancy(PolicyLayers& layers, const std::string& name) {
  const ChangedValue near = "near:" + name;
  for (auto& known : layers.runtime)
    if (const auto at = known.change.keys.find("placement");
        at != known.change.keys.end() && at->second == near)
      known.change.keys.erase(at);
  std::erase_if(layers.runtime, [&name](const RuntimeChange& known) {
    return known.change.name == name || known.change.keys.empty();
  });
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
    if (std::ranges::find(lifted, name) == lifted.end())
      lifted.push_back(name);
    return true;
  });
  return lifted;
}

}  // namespace fief
