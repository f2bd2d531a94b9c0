// SPDX-License-Identifier: GPL-2.0-only
// The values that fief's JSON documents have in common: CPU time in CPUs, sets of cids as the
// kernel's lists. The readers throw what nlohmann::json throws, or std::invalid_argument; their
// callers turn that into an Error.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/cid_set.hpp"
#include "plan/plan.hpp"

namespace fief::json {

/// Keeps members in the order they are written: people read it too.
using Json = nlohmann::ordered_json;

/// The value, or null for none, so that every entry of a list has the same members.
template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json write(const SharedCids& shared);
Json write(const Entitlement& due);

CidSet read_cids(const Json& list);
SharedCids read_shared(const Json& list);
Entitlement read_entitlement(const Json& json);

/// One line, or indented by @p indent columns. Paths and messages may hold any bytes; what is not
/// UTF-8 is shown as U+FFFD.
std::string to_text(const Json& json, int indent = -1);

}  // namespace fief::json
