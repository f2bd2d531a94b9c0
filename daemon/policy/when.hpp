// SPDX-License-Identifier: GPL-2.0-only
// "when": on which machines a file, or a delegation, counts. Pure. Private to the parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/json_document.hpp"
#include "policy/machine.hpp"
#include "policy/setting.hpp"
#include "policy/values.hpp"

namespace fief {

enum class Comparison : std::uint8_t { less, at_most, equal, not_equal, at_least, more };

/// What a number, or a version as its numbers, must be. A version is compared as far as the bound
/// goes: 7.3.4 is 7.3.
struct Bound {
  Comparison by = Comparison::equal;
  std::vector<std::uint32_t> numbers;
  std::string text;  ///< as it was written
};

/// Of several conditions all must hold; of none, none need.
struct WhenDraft {
  Setting<Bound> cpus;
  Setting<Bound> nodes;
  Setting<Bound> kernel;
  Setting<std::string> host;  ///< a glob
  Setting<std::string> architecture;
  Setting<std::string> virtualization;  ///< "none", "vm", "container", or "any" of these two
};

/// A whole number, or "OPERATOR NUMBER"; operators are <, <=, =, !=, >= and >.
ValueResult<Bound> as_count_bound(const JsonNode& node);
/// "OPERATOR VERSION", such as ">=7.3".
ValueResult<Bound> as_version_bound(const JsonNode& node);
/// A glob over host names.
ValueResult<std::string> as_host_glob(const JsonNode& node);
/// A name such as "x86-64".
ValueResult<std::string> as_architecture(const JsonNode& node);
/// true, false, "vm" or "container".
ValueResult<std::string> as_virtualization(const JsonNode& node);

/// Why it does not hold on @p machine: "cpus is 8, not >=16". Nothing: it holds.
std::optional<std::string> unmet(const WhenDraft& when, const Machine& machine);

}  // namespace fief
