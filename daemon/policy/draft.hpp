// SPDX-License-Identifier: GPL-2.0-only
// The typed intermediate between JSON and Policy: what each file says, value by value valid, with
// the place of every value; defaults, merging and what depends on several values come later.
// Private to the parser.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/fault_log.hpp"
#include "policy/json_document.hpp"
#include "policy/machine.hpp"
#include "policy/policy.hpp"
#include "policy/setting.hpp"
#include "policy/when.hpp"

namespace fief {

using OptionSettings = std::map<std::string, Setting<OptionValue>>;

struct RestartDraft {
  Setting<bool> enabled;
  Setting<std::chrono::milliseconds> first_delay;
  Setting<std::chrono::milliseconds> max_delay;
  Setting<std::uint32_t> quarantine_after;
  Setting<std::uint32_t> max_denied_per_second;
};

struct DelegationDraft {
  Place place;
  WhenDraft when;
  std::string left_out;  ///< why it does not count on this machine; empty: it does
  Setting<bool> enabled;
  Setting<std::string> name;
  Setting<std::string> cgroup;
  Setting<std::string> glob;   ///< "cgroup_glob"
  Setting<std::string> regex;  ///< "cgroup_regex"
  // Selectors, as the path or the regular expression over paths that they stand for.
  Setting<std::string> unit;
  Setting<std::string> slice;
  Setting<std::string> user;
  Setting<std::string> container;
  Setting<std::string> pod;
  Setting<std::string> machine;
  Setting<std::string> selected;  ///< whichever of these is given, as it was written
  Setting<std::string> class_name;
  Setting<std::string> scheduler;
  OptionSettings options;
  Setting<std::uint32_t> weight;
  Setting<double> min_cpus;
  Setting<double> max_cpus;
  Setting<bool> exclusive;
  Setting<Placement> placement;
  Setting<Cores> cores;
  Setting<Smt> smt;
  Setting<Lend> lend;
  Setting<std::uint32_t> landing_cpus;
  Setting<bool> borrow;
  Setting<bool> perf;  ///< "caps"
  Setting<std::uint32_t> tenants;
  Setting<std::chrono::milliseconds> min_age;
  RestartDraft restart;
  std::optional<std::string> pattern;  ///< name of the one that it amends for its cgroup

  /// Its name; where none is given the cgroup's path, or the pattern or selector as it was written.
  /// Nothing if that was wrong.
  [[nodiscard]] const Setting<std::string>& identity() const;
  [[nodiscard]] bool is_pattern() const;
  /// Whether it says itself which cgroups it is about.
  [[nodiscard]] bool has_subject() const;
  [[nodiscard]] bool is_enabled() const { return enabled.value.value_or(true); }
};

/// A key that says which cgroups a delegation is about: a path, or a pattern for any number.
struct SubjectKey {
  std::string_view name;
  Setting<std::string> DelegationDraft::* setting;
  bool is_pattern;
  bool is_selector;
};

inline constexpr std::array kSubjectKeys{
    SubjectKey{"cgroup", &DelegationDraft::cgroup, false, false},
    SubjectKey{"slice", &DelegationDraft::slice, false, true},
    SubjectKey{"user", &DelegationDraft::user, false, true},
    SubjectKey{"unit", &DelegationDraft::unit, true, true},
    SubjectKey{"container", &DelegationDraft::container, true, true},
    SubjectKey{"pod", &DelegationDraft::pod, true, true},
    SubjectKey{"machine", &DelegationDraft::machine, true, true},
    SubjectKey{"cgroup_glob", &DelegationDraft::glob, true, false},
    SubjectKey{"cgroup_regex", &DelegationDraft::regex, true, false},
};

struct RootDraft {
  Setting<double> min_cpus;
  OptionSettings options;
  Setting<OnStop> on_stop;
};

/// By name; of a delegation's keys those that say what it gets.
using ClassDrafts = std::map<std::string, DelegationDraft, std::less<>>;

struct PolicyDraft {
  Place place;
  WhenDraft when;
  RootDraft root;
  ClassDrafts classes;
  std::vector<DelegationDraft> delegations;
  std::vector<LeftOut> left_out;
};

/// Second stage: reads one document; every fault goes to @p log. @p surroundings know users' names,
/// and how many CPUs a part of the machine's is.
PolicyDraft read_draft(std::string_view file, const JsonNode& document,
                       const Surroundings& surroundings, FaultLog& log);

}  // namespace fief
