// SPDX-License-Identifier: GPL-2.0-only
// A change of the policy on trial: what the policy would be, and what would have to be written for
// it. Pure; the controller puts in force what proves good.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/layers.hpp"

namespace fief {

struct DropIn {
  std::string path;
  std::string text;  ///< empty: there is none
};

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

}  // namespace fief
