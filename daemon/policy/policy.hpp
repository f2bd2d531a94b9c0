// SPDX-License-Identifier: GPL-2.0-only
// What the administrator wants, validated: no JSON past the parser.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/cid_set.hpp"
#include "policy/cgroup_pattern.hpp"

namespace fief {

enum class Smt { together, split };  ///< may the threads of one core have different owners?

/// The scheduler of tasks that somebody waits for. Some defaults follow from that: `cores`,
/// `landing_cpus`.
inline constexpr std::string_view kLatencyScheduler = "latency";

/// Which kind of CPUs is preferred where they are not all equally fast: those of the machine's
/// biggest capacity, the smaller ones, or what there is.
enum class Cores { any, performance, efficiency };

/// What others may use while its owner leaves it idle: nothing, each CPU by itself, or a CPU only
/// while the other threads of its core are idle too, so that nobody disturbs the owner there.
enum class Lend { nothing, cpus, cores };

/// What becomes of the schedulers when the daemon is stopped: they go, or stay without it.
enum class OnStop { leave, keep };

struct PlacePack {};
struct PlaceSpread {};
struct PlaceNear {
  std::string name;  ///< of another delegation
};
struct PlaceCpus {
  CidSet cpus;  ///< CPU numbers (not cids), as the administrator knows them
};
struct PlaceNodes {
  CidSet nodes;  ///< NUMA node numbers
};
using Placement = std::variant<PlacePack, PlaceSpread, PlaceNear, PlaceCpus, PlaceNodes>;

using OptionValue = std::variant<bool, std::int64_t, std::string>;
using Options = std::map<std::string, OptionValue>;

struct RestartPolicy {
  bool enabled = true;
  std::chrono::milliseconds first_delay{1000};  ///< doubled after each failure, with jitter
  std::chrono::milliseconds max_delay{60000};
  std::uint32_t quarantine_after = 5;  ///< failures within ten minutes
  /// What the kernel may refuse it before it is ended as failed. Unset: any number.
  std::optional<std::uint32_t> max_denied_per_second;
};

/// What one cgroup gets: its own scheduler and its own CPUs.
struct Delegation {
  std::string name;    ///< unique; defaults to the cgroup's path
  std::string cgroup;  ///< absolute path below the cgroup root
  std::string scheduler = "fair";
  Options options;
  std::optional<std::uint32_t> weight;  ///< 1..10000; instead of cpu.weight
  std::optional<double> min_cpus;
  std::optional<double> max_cpus;
  bool exclusive = false;  ///< whole CPUs only, lent to nobody
  Placement placement = PlacePack{};
  Cores cores = Cores::any;
  Smt smt = Smt::together;
  Lend lend = Lend::cpus;
  /// Whole CPUs of its own that are never lent, for its tasks to wake on. Unset: as its scheduler
  /// wants (landing_cids in plan/placement/landing.hpp).
  std::optional<std::uint32_t> landing_cpus;
  bool borrow = true;
  bool perf = false;  ///< hand down FIEF_CAP_PERF as well
  /// Delegations that the owners of cgroups below may have there, without an administrator.
  std::uint32_t tenants = 0;
  /// How long its cgroup must have been there before it gets its scheduler.
  std::chrono::milliseconds min_age{0};
  RestartPolicy restart;
  std::string pattern;  ///< name of the pattern that stands for it; empty: it has its own entry
};

/// What each cgroup gets that a pattern means and that has no entry of its own.
struct DelegationPattern {
  CgroupPattern cgroups;
  bool enabled = true;    ///< false: nothing is done about them
  Delegation delegation;  ///< named as the pattern; of no cgroup
};

/// The root scheduler: what it keeps for everything that is not delegated, and how long.
struct RootPolicy {
  /// CPUs it always keeps. Unset: a sixteenth of the machine, at most 1.
  std::optional<double> min_cpus;
  Options options;
  OnStop on_stop = OnStop::leave;
};

/// What its "when" keeps from this machine.
struct LeftOut {
  std::string file;
  std::uint32_t line = 0;
  std::string name;  ///< of the delegation; empty: the whole file
  std::string why;   ///< "cpus is 8, not >=16"
};
/// `FILE:LINE: "db" is left out on this machine: cpus is 8, not >=16`.
std::string format_left_out(const LeftOut& left_out);

struct Policy {
  RootPolicy root;
  std::vector<Delegation> delegations;  ///< in file order; names and cgroups are unique
  std::vector<Delegation> disabled;     ///< "enabled": false; nothing is done about these
  /// Of several that mean a cgroup, the first has it. resolve.hpp makes delegations of them.
  std::vector<DelegationPattern> patterns;
  std::vector<LeftOut> left_out;
};

}  // namespace fief
