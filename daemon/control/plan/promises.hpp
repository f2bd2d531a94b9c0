// SPDX-License-Identifier: GPL-2.0-only
// What is promised to whom. Promises are made in one order: what administrators wrote or asked for,
// then the cgroups that patterns mean, pattern by pattern, then what tenants asked for inside their
// landlord. What does not fit beside what comes before it is held back alone. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kernel/port.hpp"
#include "plan/plan.hpp"
#include "policy/layers.hpp"

namespace fief {

/// How much of what a delegation asks for it is promised.
enum class Terms {
  all,
  by_cpuset,  ///< as far as the cpuset of its cgroup lets it
  by_weight,  ///< its part by weight and no more than its limit; nothing for sure
  none,       ///< no scheduler of its own
};

/// Why a delegation is promised less than all.
struct Concession {
  Terms terms = Terms::all;
  std::string why;
};

struct PromiseInput {
  const Topology& topology;
  const CgroupTree& cgroups;
  const Policy& written;           ///< for the order of its patterns
  const Policy& resolved;          ///< what it says of @p cgroups
  const Tenants& tenants;          ///< who made which of its delegations
  const Observation& observation;  ///< who is attached keeps what is promised, before others
  const Plan* previous = nullptr;  ///< as in PlanInput
  Instant now{};                   ///< as in PlanInput
  std::string_view last{};         ///< cgroup for which something is asked just now: it comes last
  /// Of whom it is known that they get no scheduler, for reasons of their own; unset: nobody.
  std::function<bool(const Delegation&)> is_out{};
};

struct Promises {
  /// As resolved, by everybody's terms; without those that are to have no scheduler. What
  /// administrators asked for is as they asked for it.
  Policy policy;
  std::map<std::string, Concession, std::less<>> concessions;  ///< by cgroup path
  /// Why not even what administrators asked for can be had; unset: it can.
  std::optional<Error> shortfall;
};

/// Costs one plan where all can be had, else some for each that is held back. Of many that are
/// alike, only few are tried one by one.
Promises make_promises(const PromiseInput& input);

}  // namespace fief
