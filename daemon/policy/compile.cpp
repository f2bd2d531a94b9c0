// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <set>
#include <string_view>
#include <utility>

#include "policy/keys.hpp"
#include "policy/merge.hpp"
#include "policy/resolve.hpp"
#include "policy/suggest.hpp"
#include "policy/values.hpp"

namespace fief {
namespace {

using ByKey = std::map<std::string_view, const DelegationDraft*>;

std::string line_of(const Place& place) {
  return fmt::format("{}:{}", place.file, place.at.line);
}

template <class T>
void assign(T& target, const Setting<T>& setting) {
  if (setting.value)
    target = *setting.value;
}

template <class T>
void assign(std::optional<T>& target, const Setting<T>& setting) {
  target = setting.value;
}

void assign(Options& target, const OptionSettings& settings) {
  for (const auto& [name, setting] : settings)
    if (setting.value)
      target.emplace(name, *setting.value);
}

void assign(RestartPolicy& target, const RestartDraft& draft);

// Key by key, by the rows of @p keys.
template <class Keys, class Object, class Draft>
void assign(const Keys& keys, Object& target, const Draft& draft) {
  for_each_key(keys, [&](const auto& key) { assign(target.*key.made, draft.*key.draft); });
}

void assign(RestartPolicy& target, const RestartDraft& draft) {
  assign(kRestartKeys, target, draft);
}

// Defaults that depend on what other keys say.
void assign_defaults(Delegation& delegation, const DelegationDraft& draft) {
  // Where one task's speed matters, not only the sum.
  if (!draft.cores.value && delegation.scheduler == kLatencyScheduler)
    delegation.cores = Cores::performance;
  if (!draft.lend.value)
    delegation.lend = delegation.exclusive ? Lend::nothing : Lend::cpus;
}

Delegation make_delegation(const DelegationDraft& draft) {
  Delegation delegation;
  assign(delegation.name, draft.identity());
  assign(delegation.cgroup, draft.cgroup);
  assign(kGivenKeys, delegation, draft);
  assign_defaults(delegation, draft);
  delegation.pattern = draft.pattern.value_or("");
  return delegation;
}

std::vector<DelegationPattern> make_patterns(const std::vector<DelegationDraft>& drafts) {
  std::vector<DelegationPattern> patterns;
  for (const auto& [draft, cgroups] : patterns_of(drafts))
    patterns.push_back({cgroups, draft->is_enabled(), make_delegation(*draft)});
  return patterns;
}

void check_cgroup_given(const DelegationDraft& draft, FaultLog& log) {
  if (draft.cgroup.given || draft.cgroup.value || draft.is_pattern())
    return;
  std::vector<std::string_view> others;
  for (const auto& key : kSubjectKeys | std::views::drop(1))
    others.push_back(key.name);
  const auto missing =
      fmt::format("key \"cgroup\" is missing, or one of {} in its place", fmt::join(others, ", "));
  log.add(draft.place,
          draft.name.value
              ? fmt::format("{}, and no earlier file has a delegation \"{}\" to change", missing,
                            *draft.name.value)
              : missing);
}

// Delegations that patterns make are named by their paths.
void check_name(const DelegationDraft& draft, FaultLog& log) {
  const auto& name = draft.name.value;
  if (name && is_cgroup_path(*name) && draft.cgroup.value && *name != *draft.cgroup.value)
    log.add(draft.name.place, fmt::format(R"("{}" is the path of another cgroup than "{}")", *name,
                                          *draft.cgroup.value));
}

void check_cpus(const DelegationDraft& draft, const Delegation& made, FaultLog& log) {
  if (made.min_cpus && made.max_cpus && *made.min_cpus > *made.max_cpus)
    log.add(draft.min_cpus.place,
            fmt::format("min_cpus {} is above max_cpus {} in {}", *made.min_cpus, *made.max_cpus,
                        line_of(draft.max_cpus.place)));
  const auto* cpus = std::get_if<PlaceCpus>(&made.placement);
  if (cpus != nullptr && made.min_cpus && *made.min_cpus > cpus->cpus.size())
    log.add(draft.min_cpus.place,
            fmt::format("min_cpus {} is above the {} CPUs of the placement "
                        "in {}",
                        *made.min_cpus, cpus->cpus.size(), line_of(draft.placement.place)));
}

void check_exclusive(const DelegationDraft& draft, const Delegation& made, FaultLog& log) {
  if (!made.exclusive)
    return;
  if (made.lend != Lend::nothing)
    log.add(draft.lend.place,
            fmt::format("lend contradicts exclusive in {}: exclusive CPUs are lent to nobody",
                        line_of(draft.exclusive.place)));
  if (made.max_cpus && *made.max_cpus < 1)
    log.add(draft.max_cpus.place,
            fmt::format("max_cpus {} leaves no whole CPU, and exclusive in {} is about whole ones",
                        *made.max_cpus, line_of(draft.exclusive.place)));
}

void check_landing(const DelegationDraft& draft, const Delegation& made, FaultLog& log) {
  if (made.landing_cpus.value_or(0) == 0)
    return;
  if (made.lend == Lend::nothing)
    log.add(draft.landing_cpus.place,
            "landing_cpus is about CPUs that are lent, and none of these are");
  if (made.max_cpus && *made.max_cpus < *made.landing_cpus)
    log.add(draft.landing_cpus.place,
            fmt::format("landing_cpus {} is above max_cpus {} in {}", *made.landing_cpus,
                        *made.max_cpus, line_of(draft.max_cpus.place)));
}

void check_restart(const RestartDraft& draft, const RestartPolicy& made, FaultLog& log) {
  if (made.first_delay <= made.max_delay)
    return;
  const auto& culprit = draft.first_delay.value ? draft.first_delay : draft.max_delay;
  log.add(culprit.place, fmt::format("first_delay_ms ({}) is above max_delay_ms ({})",
                                     made.first_delay.count(), made.max_delay.count()));
}

/// What the catalog says of schedulers and their options, asked once for each: it reads files.
class OptionJudge {
 public:
  OptionJudge(const OptionCatalog& catalog, FaultLog& log) : catalog_(catalog), log_(log) {}

  void check(const std::string& scheduler, const OptionSettings& settings) {
    if (!catalog_ || settings.empty())
      return;
    const auto& options = known(scheduler);
    for (const auto& [name, setting] : settings)
      if (options && setting.value)
        if (auto fault = option_fault(*options, name, *setting.value); !fault.empty())
          log_.add(setting.place, fmt::format("{} (scheduler \"{}\")", fault, scheduler));
  }

  /// What nothing is done about may name a scheduler that is not there yet.
  void check_there_is(const DelegationDraft& draft, const std::string& scheduler) {
    if (!catalog_ || !draft.is_enabled())
      return;
    const auto& options = known(scheduler);
    if (!options && options.error().code != Errc::unsupported)
      log_.add(draft.scheduler.given ? draft.scheduler.place : draft.place,
               options.error().message);
  }

 private:
  const Result<SchedulerOptions>& known(const std::string& scheduler) {
    auto found = known_.find(scheduler);
    if (found == known_.end())
      found = known_.emplace(scheduler, catalog_(scheduler)).first;
    return found->second;
  }

  const OptionCatalog& catalog_;
  FaultLog& log_;
  std::map<std::string, Result<SchedulerOptions>> known_;
};

/// Finds the delegations that have a cgroup in common; gives each cgroup's first.
ByKey check_cgroups(const std::vector<DelegationDraft>& drafts, FaultLog& log) {
  ByKey by_cgroup;
  for (const auto& draft : drafts) {
    if (!draft.cgroup.value)
      continue;
    const auto [first, is_new] = by_cgroup.emplace(*draft.cgroup.value, &draft);
    if (is_new)
      continue;
    const auto& other = *first->second;
    log.add(draft.cgroup.place,
            fmt::format("cgroup \"{}\" belongs to delegation \"{}\" in {} already; to change that "
                        "one, give its name",
                        *draft.cgroup.value, other.identity().value.value_or("?"),
                        line_of(other.place)));
  }
  return by_cgroup;
}

/// How many delegated cgroups there are on the way from the root to @p path, its own included.
std::size_t nesting(std::string_view path, const ByKey& by_cgroup) {
  std::size_t levels = 0;
  for (; !path.empty(); path = path.substr(0, path.rfind('/'))) {
    const auto found = by_cgroup.find(path);
    levels += found != by_cgroup.end() && found->second->is_enabled() ? 1U : 0U;
  }
  return levels;
}

void check_nesting(const std::vector<DelegationDraft>& drafts, const ByKey& by_cgroup,
                   FaultLog& log) {
  for (const auto& draft : drafts) {
    if (!draft.is_enabled())
      continue;
    const auto levels = draft.cgroup.value ? nesting(*draft.cgroup.value, by_cgroup) : 0;
    if (levels > kMaxNesting)
      log.add(draft.cgroup.place,
              fmt::format("delegation number {} inside another; the kernel nests at most {} below "
                          "the root scheduler",
                          levels, kMaxNesting));
  }
}

std::set<std::string_view> pattern_names(const std::vector<DelegationDraft>& drafts) {
  std::set<std::string_view> names;
  for (const auto& draft : drafts)
    if (draft.is_pattern())
      names.insert(*draft.identity().value);
  return names;
}

void check_near(const std::vector<DelegationDraft>& drafts, FaultLog& log) {
  std::vector<std::string_view> names;
  for (const auto& draft : drafts)
    if (draft.identity().value)
      names.push_back(*draft.identity().value);
  // With a faulty name about, the one sought may be there.
  if (names.size() < drafts.size())
    return;
  std::ranges::sort(names);
  const auto patterns = pattern_names(drafts);
  for (const auto& draft : drafts) {
    const auto* near =
        draft.placement.value ? std::get_if<PlaceNear>(&*draft.placement.value) : nullptr;
    if (near == nullptr)
      continue;
    if (!std::ranges::binary_search(names, near->name))
      log.add(draft.placement.place, fmt::format("there is no delegation \"{}\" to be near{}",
                                                 near->name, did_you_mean(near->name, names)));
    else if (near->name == draft.identity().value)
      log.add(draft.placement.place, "a delegation cannot be placed near itself");
    else if (patterns.contains(near->name))
      log.add(
          draft.placement.place,
          fmt::format("\"{}\" stands for any number of cgroups; name one to be near", near->name));
  }
}

}  // namespace

Policy compile_policy(const PolicyDraft& draft, const std::vector<DelegationDraft>& drafts,
                      bool complete, const OptionCatalog& catalog, FaultLog& log) {
  Policy policy;
  OptionJudge options(catalog, log);
  options.check("root", draft.root.options);
  assign(kRootKeys, policy.root, draft.root);
  for (const auto& delegation : drafts) {
    auto made = make_delegation(delegation);
    check_name(delegation, log);
    check_cpus(delegation, made, log);
    check_exclusive(delegation, made, log);
    check_landing(delegation, made, log);
    check_restart(delegation.restart, made.restart, log);
    options.check_there_is(delegation, made.scheduler);
    options.check(made.scheduler, delegation.options);
    if (!delegation.is_pattern())
      (delegation.is_enabled() ? policy.delegations : policy.disabled).push_back(std::move(made));
  }
  policy.patterns = make_patterns(drafts);
  policy.left_out = draft.left_out;
  const auto by_cgroup = check_cgroups(drafts, log);
  check_nesting(drafts, by_cgroup, log);
  // What a file that could not be read would have named is unknown.
  if (complete) {
    for (const auto& delegation : drafts)
      check_cgroup_given(delegation, log);
    check_near(drafts, log);
  }
  return policy;
}

}  // namespace fief
