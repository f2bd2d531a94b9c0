// SPDX-License-Identifier: GPL-2.0-only
// Changes of the policy in force, each on trial: from what somebody asks for to a candidate that
// could be adopted, and to its drop-in on disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "backend/backend.hpp"
#include "control/candidate.hpp"
#include "control/policy_store.hpp"
#include "policy/drop_ins.hpp"

namespace fief {

class PolicyChanges {
 public:
  /// @p drop_ins: where persistent changes go; unset: nowhere. @p policy outlives this object.
  PolicyChanges(const PolicyStore& policy, std::optional<DropIns> drop_ins)
      : policy_(policy), drop_ins_(std::move(drop_ins)) {}

  /// @p change for as long as @p request says.
  [[nodiscard]] Result<Candidate> changed(const DelegationChange& change,
                                          const ChangeRequest& request) const;
  /// @p change for as long as @p hold is held.
  [[nodiscard]] Result<Candidate> boosted(std::uint64_t hold, DelegationChange change,
                                          const std::string& requester) const;
  [[nodiscard]] Result<Candidate> reverted(const std::string& name) const;
  /// Writes the drop-in that @p candidate has, if any.
  [[nodiscard]] Status write(const Candidate& candidate) const;

 private:
  [[nodiscard]] Result<DropIn> present_drop_in(const std::string& delegation) const;
  [[nodiscard]] Result<DropIn> writable_drop_in(const std::string& delegation) const;

  const PolicyStore& policy_;
  std::optional<DropIns> drop_ins_;
};

}  // namespace fief
