// SPDX-License-Identifier: GPL-2.0-only
// Third stage: drafts of several files → one draft → Policy. Private to the parser.
#pragma once

#include <span>
#include <vector>

#include "policy/draft.hpp"
#include "policy/fault_log.hpp"
#include "policy/parse.hpp"
#include "policy/policy.hpp"

namespace fief {

/// First and second stage of every source. Documents that are not JSON have no draft. The drafts
/// live no longer than @p sources.
std::vector<PolicyDraft> read_drafts(std::span<const PolicyText> sources, FaultLog& log);

/// Lays the drafts over each other, first to last. Faults: one file that names a delegation twice.
PolicyDraft merge_drafts(std::vector<PolicyDraft> drafts, FaultLog& log);

/// Fills in the defaults and checks what depends on several values. @p complete: every source
/// could be read, so that what is not in @p draft does not exist.
Policy compile_policy(const PolicyDraft& draft, bool complete, FaultLog& log);

}  // namespace fief
