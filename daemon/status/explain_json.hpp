// SPDX-License-Identifier: GPL-2.0-only
// Explanations as JSON: the same document for `fiefctl explain --json` and for D-Bus. fiefctl(1)
// describes it.
#pragma once

#include "plan/explain.hpp"
#include "status/json_values.hpp"

namespace fief::json {

/// Version of the documents of plan and explain.
inline constexpr int kPlanSchema = 1;

Json write(const CgroupExplanation& explanation);
Json write(const CidExplanation& explanation);
Json write(const Explanation& explanation);

}  // namespace fief::json
