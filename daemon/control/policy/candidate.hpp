// SPDX-License-Identifier: GPL-2.0-only
// Changes of the policy on trial: from what somebody asks for to what the policy would be, and what
// would have to be written for it. The controller puts in force what proves good.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.hpp"
#include "control/policy/policy_store.hpp"
#include "policy/drop_ins.hpp"
#include "policy/layers.hpp"

namespace fief {

/// A file of the administrator's policy, as it is or is to be.
struct DropIn {
  std::string path;
  std::string text;  ///< empty: there is none
};

/// What a change would make. The functions that make one are pure.
struct Candidate {
  PolicyLayers layers;
  TracedPolicy made;                  ///< that they make, patterns and all
  std::vector<std::string> lifted{};  ///< tenants' delegations of which something has to go for it
  std::optional<DropIn> drop_in{};    ///< to be written before it is in force
};

/// @p change without a file. Errc::invalid names the key and what it may be. What tenants asked for
/// and contradicts an administrator's change is lifted; so it is by all that follow.
Result<Candidate> changed_at_run_time(PolicyLayers layers, const RuntimeChange& change,
                                      const OptionCatalog& catalog);

/// @p change in @p drop_in, the present text of fief's own for that delegation. Run-time changes
/// of the same keys go. Errc::invalid also where a later file has the last word.
Result<Candidate> changed_for_good(PolicyLayers layers, const DelegationChange& change,
                                   DropIn drop_in, const OptionCatalog& catalog);

/// What goes back to an earlier policy is not judged by its options again.
/// Without the run-time changes of @p name and without what @p drop_in says of it.
Result<Candidate> reverted(PolicyLayers layers, std::string_view name, DropIn drop_in);

/// Without what @p hold held.
Result<Candidate> released(PolicyLayers layers, std::uint64_t hold);

/// Judges a change by the policy in force when it is called.
using Trial = std::function<Result<Candidate>()>;

/// On what terms a change is made.
struct ChangeTerms {
  Lifetime lifetime = Lifetime::persistent;
  Requester requester{};
};

/// Makes trials of the policy in force.
class PolicyChanges {
 public:
  /// @p drop_ins: where persistent changes go; nullptr: nowhere. Both outlive this object and the
  /// trials.
  PolicyChanges(const PolicyStore& policy, const DropIns* drop_ins)
      : policy_(policy), drop_ins_(drop_ins) {}

  /// @p change, of the cgroup at path @p cgroup, for as long as @p terms say. What is to outlive
  /// the daemon is added to what is on disk now.
  [[nodiscard]] Result<Trial> changed(const DelegationChange& change, const ChangeTerms& terms,
                                      const std::string& cgroup) const;
  /// @p change for as long as @p hold is held.
  [[nodiscard]] Trial boosted(std::uint64_t hold, DelegationChange change,
                              const Requester& requester) const;
  /// Without what is on disk now.
  [[nodiscard]] Result<Trial> reverted(const std::string& name) const;

 private:
  [[nodiscard]] Result<DropIn> present_drop_in(const std::string& delegation) const;
  [[nodiscard]] Result<DropIn> writable_drop_in(const std::string& delegation) const;

  const PolicyStore& policy_;
  const DropIns* drop_ins_;
};

}  // namespace fief
