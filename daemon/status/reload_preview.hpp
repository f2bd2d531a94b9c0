// SPDX-License-Identifier: GPL-2.0-only
// What a reload would change: of the policy, key by key, and of who has which CPUs. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cgroup/tree.hpp"
#include "core/cid_set.hpp"
#include "plan/plan.hpp"
#include "policy/show.hpp"
#include "topology/topology.hpp"

namespace fief {

/// A key with another value than before. What is not set, then or now, is std::monostate.
struct ChangedKey {
  std::string key;
  decltype(ShownValue::value) before;
  decltype(ShownValue::value) after;
};

struct ChangedDelegation {
  enum class Kind : std::uint8_t { added, removed, changed };
  std::string name;
  Kind kind = Kind::changed;
  std::vector<ChangedKey> keys;  ///< of one that is added: what is set
};

/// CPUs by their numbers, whole and shared ones alike.
struct ChangedCpus {
  std::string cgroup;
  CidSet gains;
  CidSet loses;
  CpuTime due_before = 0;
  CpuTime due_after = 0;
};

struct ReloadPreview {
  bool other_root = false;  ///< the root is replaced, and with it every scheduler for a moment
  std::vector<ChangedKey> root;
  std::vector<ChangedDelegation> delegations;
  std::vector<ChangedCpus> cpus;  ///< by cgroup; the root's own are those of "/"
};

/// Fills in root and delegations.
void compare_policies(const ShownPolicy& before, const ShownPolicy& after, ReloadPreview& preview);
/// Who has other CPUs, or another due, in @p after than in @p before.
std::vector<ChangedCpus> compare_plans(const Plan& before, const Plan& after,
                                       const Topology& topology, const CgroupTree& cgroups);

/// Lines for people.
std::string to_text(const ReloadPreview& preview);
/// The document of `fiefctl reload --dry-run --json`; fiefctl(1) describes it.
std::string to_json(const ReloadPreview& preview);

}  // namespace fief
