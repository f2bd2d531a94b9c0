// SPDX-License-Identifier: GPL-2.0-only
// Values of the keys that select cgroups as people think of them: units, slices, users, containers,
// machines.
// Private to the parser.
#pragma once

#include <string>

#include "policy/users.hpp"
#include "policy/values.hpp"

namespace fief {

struct Selector {
  std::string text;     ///< as it was written
  std::string cgroups;  ///< what it stands for: a path, or a regular expression over paths
};

/// A unit's name or a glob as systemctl takes it; an expression.
ValueResult<Selector> as_unit(const JsonNode& node);
/// A slice's name; a path.
ValueResult<Selector> as_slice(const JsonNode& node);
/// A user's name, which @p users knows, or number; the path of the user's slice.
ValueResult<Selector> as_user(const JsonNode& node, const UserLookup& users);
/// The beginning of a container's id, at least 12 digits; an expression.
ValueResult<Selector> as_container(const JsonNode& node);
/// A machine's name, or a glob of "*" and "?"; an expression.
ValueResult<Selector> as_machine(const JsonNode& node);

}  // namespace fief
