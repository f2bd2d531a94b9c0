// SPDX-License-Identifier: GPL-2.0-only
// A change of one delegation, as people ask for it while the daemon runs, and how it is written
// down: as a policy text like any other, so that the one parser judges it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "core/result.hpp"
#include "policy/policy.hpp"

namespace fief {

/// The value of a key; whether it is one the key may have is the parser's to say.
using ChangedValue = std::variant<bool, std::int64_t, double, std::string, Options>;
/// As fief-policy(5) names them.
using ChangedKeys = std::map<std::string, ChangedValue>;

struct DelegationChange {
  std::string name;  ///< of the delegation (its path if it has no other)
  ChangedKeys keys;
};

/// Whether owners of cgroups may set @p key of their delegations without an administrator.
bool is_for_owners(std::string_view key);

/// @p over laid over @p under, which is of the same delegation.
DelegationChange combined(DelegationChange under, const DelegationChange& over);

/// The change as a policy of its own.
std::string to_policy_text(const DelegationChange& change);

/// @p text, a drop-in ("": a new one), with @p change in it; whatever else it says stays, but for
/// comments. Errc::invalid if it is no policy.
Result<std::string> with_change(std::string_view text, const DelegationChange& change);

/// @p text without what it says of delegation @p name; "" if nothing is left. Errc::invalid as
/// above.
Result<std::string> without_changes(std::string_view text, std::string_view name);

/// The name of the drop-in that holds fief's own changes of a delegation:
/// "95-fief-<name>.json", escaped as systemd does and at most 255 bytes.
std::string drop_in_name(std::string_view delegation);

}  // namespace fief
