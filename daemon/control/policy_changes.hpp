// SPDX-License-Identifier: GPL-2.0-only
// Changes of the policy in force, each on trial: from what somebody asks for to a candidate that
// could be adopted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "backend/backend.hpp"
#include "control/candidate.hpp"
#include "control/policy_store.hpp"
#include "policy/drop_ins.hpp"

namespace fief {

/// Judges a change by the policy in force when it is called.
using Trial = std::function<Result<Candidate>()>;

/// On what terms a change is made.
struct ChangeTerms {
  Lifetime lifetime = Lifetime::persistent;
  Requester requester{};
};

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
