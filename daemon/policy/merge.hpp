// SPDX-License-Identifier: GPL-2.0-only
// Third stage: drafts of several files → one draft → Policy. Private to the parser.
#pragma once

#include <vector>

#include "policy/draft.hpp"
#include "policy/fault_log.hpp"
#include "policy/policy.hpp"

namespace fief {

/// Lays the drafts over each other, first to last. Faults: one file that names a delegation twice.
PolicyDraft merge_drafts(std::vector<PolicyDraft> drafts, FaultLog& log);

/// Fills in the defaults and checks what depends on several values. @p complete: every source
/// could be read, so that what is not in @p draft does not exist.
Policy compile_policy(const PolicyDraft& draft, bool complete, FaultLog& log);

}  // namespace fief
