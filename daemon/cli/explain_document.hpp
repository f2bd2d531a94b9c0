// SPDX-License-Identifier: GPL-2.0-only
// Explanations as JSON, for `fiefctl explain --json`; fiefctl(1) describes them.
#pragma once

#include "api/json_values.hpp"
#include "plan/explain.hpp"

namespace fief::cli {

json::Json to_document(const CgroupExplanation& explanation);
json::Json to_document(const CidExplanation& explanation);

}  // namespace fief::cli
