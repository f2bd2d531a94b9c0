// SPDX-License-Identifier: GPL-2.0-only
// What a policy can say of a delegation and of the root scheduler: one row a key. Reading, merging,
// defaults, `fiefctl policy show` and what owners of cgroups may set are folds over these rows.
//
// To add a key: a member of the draft (draft.hpp), one of what is made of it (policy.hpp), its row
// here, config/policy.schema.json and fief-policy(5). What must be true of several keys is checked
// in compile.cpp. Keys that say which cgroups a delegation is about are in kSubjectKeys
// (draft.hpp). Private to the parser.
#pragma once

#include <string_view>
#include <tuple>

#include "policy/draft.hpp"
#include "policy/policy.hpp"
#include "policy/values.hpp"

namespace fief {

/// Whether owners of cgroups may set it without an administrator (fief-policy(5), "tenants"): what
/// a delegation gets of what is due to the one above, and nothing that a class may bring along.
enum class Owners {
  may_not,
  may_wish,  ///< and it gives way where it contradicts what others say
  may,       ///< it can contradict nobody
};

/// A row: a key's name, where its value is in the draft and in what is made of that, and what reads
/// it: one of values.hpp's functions, or the name of a way of its own (read_draft.cpp).
template <class Draft, class Given, class Object, class Made, class Read>
struct PolicyKey {
  std::string_view name;
  Given Draft::* draft;
  Made Object::* made;
  Read read;
  Owners owners = Owners::may_not;
};

/// Ways to read a value that is not a plain one: an object of options, an array of caps, an object
/// of the keys of kRestartKeys.
struct AsOptions {};
struct AsCaps {};
struct AsRestart {};

inline constexpr std::tuple kRestartKeys{
    PolicyKey{"enabled", &RestartDraft::enabled, &RestartPolicy::enabled, as_bool},
    PolicyKey{"first_delay_ms", &RestartDraft::first_delay, &RestartPolicy::first_delay, as_delay},
    PolicyKey{"max_delay_ms", &RestartDraft::max_delay, &RestartPolicy::max_delay, as_delay},
    PolicyKey{"quarantine_after", &RestartDraft::quarantine_after, &RestartPolicy::quarantine_after,
              as_failure_count},
    PolicyKey{"max_denied_per_second", &RestartDraft::max_denied_per_second,
              &RestartPolicy::max_denied_per_second, as_denied_rate},
};

/// What a delegation gets, or a class.
inline constexpr std::tuple kGivenKeys{
    PolicyKey{"scheduler", &DelegationDraft::scheduler, &Delegation::scheduler, as_scheduler,
              Owners::may},
    PolicyKey{"options", &DelegationDraft::options, &Delegation::options, AsOptions{}, Owners::may},
    PolicyKey{"weight", &DelegationDraft::weight, &Delegation::weight, as_weight, Owners::may},
    PolicyKey{"min_cpus", &DelegationDraft::min_cpus, &Delegation::min_cpus, as_min_cpus,
              Owners::may_wish},
    PolicyKey{"max_cpus", &DelegationDraft::max_cpus, &Delegation::max_cpus, as_max_cpus,
              Owners::may_wish},
    PolicyKey{"exclusive", &DelegationDraft::exclusive, &Delegation::exclusive, as_bool,
              Owners::may_wish},
    PolicyKey{"placement", &DelegationDraft::placement, &Delegation::placement, as_placement,
              Owners::may_wish},
    PolicyKey{"cores", &DelegationDraft::cores, &Delegation::cores, as_cores, Owners::may_wish},
    PolicyKey{"smt", &DelegationDraft::smt, &Delegation::smt, as_smt, Owners::may_wish},
    PolicyKey{"lend", &DelegationDraft::lend, &Delegation::lend, as_lend, Owners::may_wish},
    PolicyKey{"landing_cpus", &DelegationDraft::landing_cpus, &Delegation::landing_cpus,
              as_landing_count, Owners::may_wish},
    PolicyKey{"borrow", &DelegationDraft::borrow, &Delegation::borrow, as_bool, Owners::may_wish},
    PolicyKey{"caps", &DelegationDraft::perf, &Delegation::perf, AsCaps{}},
    PolicyKey{"tenants", &DelegationDraft::tenants, &Delegation::tenants, as_tenant_count},
    PolicyKey{"min_age_ms", &DelegationDraft::min_age, &Delegation::min_age, as_age},
    PolicyKey{"restart", &DelegationDraft::restart, &Delegation::restart, AsRestart{}},
};

inline constexpr std::tuple kRootKeys{
    PolicyKey{"min_cpus", &RootDraft::min_cpus, &RootPolicy::min_cpus, as_max_cpus},
    PolicyKey{"options", &RootDraft::options, &RootPolicy::options, AsOptions{}},
    PolicyKey{"on_stop", &RootDraft::on_stop, &RootPolicy::on_stop, as_on_stop},
};

/// Calls @p visit with each row of @p keys, in their order.
template <class Keys, class Visit>
constexpr void for_each_key(const Keys& keys, Visit visit) {
  std::apply([&visit](const auto&... key) { (visit(key), ...); }, keys);
}

/// What owners of cgroups may do about the key @p name of a delegation.
constexpr Owners owners_of(std::string_view name) {
  auto owners = Owners::may_not;
  for_each_key(kGivenKeys, [&](const auto& key) {
    if (key.name == name)
      owners = key.owners;
  });
  return owners;
}

}  // namespace fief
