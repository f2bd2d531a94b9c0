// SPDX-License-Identifier: GPL-2.0-only
// The merged policy as people ask for it: every value, and where it comes from. As pure as the
// parser.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "policy/parse.hpp"

namespace fief {

/// A key's value in force. std::monostate: it is not set, and there is no default.
struct ShownValue {
  std::string key;  ///< of an option or restart key: "options.slice_us"
  std::variant<std::monostate, bool, std::int64_t, double, std::string> value;
  std::string file;          ///< empty: the default
  std::uint32_t line = 0;    ///< from 1; 0 with the default
  std::uint32_t column = 0;  ///< from 1; 0 with the default
  std::string pointer{};     ///< JSON pointer in that file
};

struct ShownDelegation {
  std::string name;
  std::vector<ShownValue> values;  ///< in the order of fief-policy(5)
};

struct ShownPolicy {
  std::vector<ShownValue> root;
  std::vector<ShownDelegation> delegations;
};

/// A policy with the origin of its every value.
struct TracedPolicy {
  Policy policy;
  ShownPolicy shown;
};

/// As PolicyResult.
using TracedResult = tl::expected<TracedPolicy, std::vector<PolicyFault>>;

/// As parse_policy(), with every value of the policy that it gives.
TracedResult trace_policy(std::span<const PolicyText> sources, std::vector<PolicyFault> unread = {},
                          const OptionCatalog& catalog = {},
                          const Surroundings& surroundings = here());

/// Every value of the policy that @p sources make, or every fault.
tl::expected<ShownPolicy, std::vector<PolicyFault>> show_policy(
    std::span<const PolicyText> sources, const Surroundings& surroundings = here());

/// Where key @p key of delegation @p name was set; "" if it is the default or there is no such.
std::string origin_of(const ShownPolicy& policy, std::string_view name, std::string_view key);

}  // namespace fief
