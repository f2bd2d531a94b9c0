// SPDX-License-Identifier: GPL-2.0-only
// From policy texts to a validated Policy. Pure, but for asking who users are and what machine this
// is.
//
// Three stages, each with its own types: text → located JSON (json_document.hpp) → typed drafts,
// one a file (draft.hpp) → merged and validated Policy. No JSON leaves the second stage.
#pragma once

#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "policy/fault.hpp"
#include "policy/machine.hpp"
#include "policy/policy.hpp"
#include "policy/scheduler_options.hpp"

namespace fief {

struct PolicyText {
  std::string file;  ///< its name in messages
  std::string text;
};

/// Either a policy without any fault, or every fault found, in the order of the sources and lines.
using PolicyResult = tl::expected<Policy, std::vector<PolicyFault>>;

/// Parses and merges @p sources, first to last. A delegation in a later file with the name of an
/// earlier one overrides that one's keys; so do the keys of "root", and single "options" and
/// "restart" keys. The format is described in fief-policy(5).
///
/// @p unread holds the faults of sources that could not be read. They are part of the result, and
/// what @p sources refer to may have been defined there, so its absence is no fault.
///
/// Options are judged as far as @p catalog knows the schedulers; which files and delegations count,
/// and who users are, depends on the @p surroundings.
PolicyResult parse_policy(std::span<const PolicyText> sources, std::vector<PolicyFault> unread = {},
                          const OptionCatalog& catalog = {},
                          const Surroundings& surroundings = here());

}  // namespace fief
