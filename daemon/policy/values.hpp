// SPDX-License-Identifier: GPL-2.0-only
// Single values of the policy: what each may be. Private to the parser.
//
// Each function takes a JSON value and gives the typed one, or the sentence that says what was
// written, what is allowed and, where there is a likely slip, what was probably meant.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "policy/container_layout.hpp"
#include "policy/json_document.hpp"
#include "policy/policy.hpp"

namespace fief {

template <class T>
using ValueResult = tl::expected<T, std::string>;

/// CPU counts of a policy: no machine has more, and less than a hundredth is a slip.
inline constexpr double kMaxCpus = 65536;
inline constexpr double kLeastCpus = 0.01;

ValueResult<bool> as_bool(const JsonNode& node);
ValueResult<std::string> as_text(const JsonNode& node);
/// 1 to 255 bytes without control characters, or the path of a cgroup: delegations that patterns
/// make are named by it.
ValueResult<std::string> as_name(const JsonNode& node);
/// Absolute and normalised, not the root; components of at most 255 bytes, 4095 in all.
ValueResult<std::string> as_cgroup_path(const JsonNode& node);
/// A glob that begins with "/", of at most 4095 bytes.
ValueResult<std::string> as_cgroup_glob(const JsonNode& node);
/// A regular expression of at most 4095 bytes.
ValueResult<std::string> as_cgroup_regex(const JsonNode& node);
ValueResult<QosClass> as_qos(const JsonNode& node);
/// A UUID, or the 32 hexadecimal digits that kubelet gives a pod from a file.
ValueResult<std::string> as_pod_uid(const JsonNode& node);
/// Name of a scheduler object: 1 to 31 letters, digits, "_", "-" and ".", no leading "-" or ".".
ValueResult<std::string> as_scheduler(const JsonNode& node);
/// 1 to 10000.
ValueResult<std::uint32_t> as_weight(const JsonNode& node);
/// 0 to 1000.
ValueResult<std::uint32_t> as_tenant_count(const JsonNode& node);
ValueResult<std::uint32_t> as_landing_count(const JsonNode& node);
/// 0 to kMaxCpus.
/// A number, or a part of @p machine_cpus: "10%".
ValueResult<double> as_min_cpus(const JsonNode& node, std::uint32_t machine_cpus);
/// kLeastCpus to kMaxCpus.
ValueResult<double> as_max_cpus(const JsonNode& node, std::uint32_t machine_cpus);
ValueResult<Placement> as_placement(const JsonNode& node);
ValueResult<Cores> as_cores(const JsonNode& node);
ValueResult<Smt> as_smt(const JsonNode& node);
/// true, false or "cores".
ValueResult<Lend> as_lend(const JsonNode& node);
ValueResult<OnStop> as_on_stop(const JsonNode& node);
/// 1 ms to a day.
ValueResult<std::chrono::milliseconds> as_delay(const JsonNode& node);
/// 0 to a minute.
ValueResult<std::chrono::milliseconds> as_age(const JsonNode& node);
/// 1 to 1000.
ValueResult<std::uint32_t> as_failure_count(const JsonNode& node);
/// 1 to 1000000.
ValueResult<std::uint32_t> as_denied_rate(const JsonNode& node);
ValueResult<OptionValue> as_option(const JsonNode& node);
/// One element of "caps"; "perf" is the only one.
ValueResult<std::string> as_cap(const JsonNode& node);

/// Whether @p text is what as_name() takes.
bool is_name(std::string_view text);
/// Whether @p path is what as_cgroup_path() takes.
bool is_cgroup_path(std::string_view path);
/// Whether @p name may name an option: letters, digits and "_", at most 63, no leading digit.
bool is_option_name(std::string_view name);

/// "<value as written> is not <allowed>".
std::string not_allowed(const JsonNode& node, std::string_view allowed);

}  // namespace fief
