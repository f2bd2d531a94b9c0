// SPDX-License-Identifier: GPL-2.0-only
// What options a scheduler has and what each may be: so that a policy, an offline check and the
// loader say the same of a value, before anything is loaded. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "policy/policy.hpp"

namespace fief {

/// The values an option takes, both ends included.
struct OptionRange {
  std::int64_t least = 0;
  std::int64_t most = 0;
  bool is_bool = false;
  friend bool operator==(const OptionRange&, const OptionRange&) = default;
};

/// By name.
using SchedulerOptions = std::map<std::string, OptionRange, std::less<>>;

/// The options of a scheduler ("root": the root scheduler), by its name. Errc::not_found: there is
/// no such scheduler, with those there are; Errc::unsupported: nobody can tell; any other error: it
/// cannot be loaded. Unset: nobody knows any.
using OptionCatalog = std::function<Result<SchedulerOptions>(const std::string& scheduler)>;

/// Why there is no scheduler called @p name where there are @p others, and which was meant.
tl::unexpected<Error> no_such_scheduler(std::string_view name, const std::set<std::string>& others);

/// Narrows @p options, as their types allow them, to what fief's own schedulers take. The BPF
/// programs hold to the same limits (bpf/lib/core/slice.bpf.h) or trust in these.
void narrow_to_own_ranges(SchedulerOptions& options);

/// Why @p value cannot be the option @p name of a scheduler that has @p options; "": it can.
std::string option_fault(const SchedulerOptions& options, std::string_view name,
                         const OptionValue& value);

/// The same as a number, as the scheduler stores it; nothing: a text.
std::optional<std::int64_t> option_number(const OptionValue& value);

}  // namespace fief
