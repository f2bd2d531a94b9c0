// SPDX-License-Identifier: GPL-2.0-only
#include "policy/values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>
#include <span>
#include <utility>

#include "core/cgroup_path.hpp"
#include "fief/abi.h"
#include "policy/cgroup_pattern.hpp"
#include "policy/suggest.hpp"

namespace fief {
namespace {

constexpr std::size_t kMaxShown = 60;
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxPath = 4095;
constexpr std::size_t kMaxScheduler = 31;  // FIEF_NAME_LEN with its NUL
constexpr std::size_t kMaxOptionName = 63;
constexpr std::string_view kNear = "near:";
constexpr std::string_view kCpus = "cpus:";
constexpr std::string_view kNodes = "nodes:";

/// The value as it stands in the file, shortened at a character's boundary.
std::string shown(const JsonNode& node) {
  if (std::holds_alternative<JsonObject>(node.value))
    return "{…}";
  if (std::holds_alternative<JsonArray>(node.value))
    return "[…]";
  if (node.text.size() <= kMaxShown)
    return std::string(node.text);
  auto end = kMaxShown;
  while ((static_cast<unsigned char>(node.text[end]) & 0xC0U) == 0x80U)
    --end;
  return std::string(node.text.substr(0, end)) + "…";
}

tl::unexpected<std::string> refuse(const JsonNode& node, std::string_view allowed,
                                   std::string_view hint = "") {
  return tl::unexpected(not_allowed(node, allowed) + std::string(hint));
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_word_character(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/// Groups of 8, 4, 4, 4 and 12 digits with a "-" between them.
bool is_uuid(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(
      text, kForm, [](char c, char form) { return form == 'x' ? is_hex_digit(c) : c == form; });
}

bool is_printable(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// Where cgroups are mounted; no cgroup has that path, whoever writes it means one below.
constexpr std::string_view kMount = "/sys/fs/cgroup";

bool is_mount_path(std::string_view text) {
  return text == kMount || is_below(text, kMount);
}

/// What a path that is not one was probably meant to be.
std::string path_hint(std::string_view text) {
  if (text.starts_with(kMount))
    text.remove_prefix(kMount.size());
  const bool is_unit = text.ends_with(".service") && text.find('/') == std::string_view::npos;
  const std::filesystem::path base(is_unit ? "/system.slice" : "/");
  auto path = (base / std::filesystem::path(text).relative_path()).lexically_normal().string();
  if (path.ends_with('/'))
    path.pop_back();
  return is_cgroup_path(path) ? fmt::format("; did you mean \"{}\"?", path) : std::string{};
}

ValueResult<std::int64_t> as_whole(const JsonNode& node, std::int64_t low, std::int64_t high) {
  const auto* value = std::get_if<std::int64_t>(&node.value);
  if (value == nullptr || *value < low || *value > high)
    return refuse(node, fmt::format("a whole number from {} to {}", low, high));
  return *value;
}

ValueResult<std::uint32_t> as_count(const JsonNode& node, std::uint32_t high) {
  return as_whole(node, 1, high).map([](std::int64_t n) { return static_cast<std::uint32_t>(n); });
}

/// "12.5%" is 0.125. Nothing if @p text is no part of a whole.
std::optional<double> as_part(std::string_view text) {
  double percent = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, percent, std::chars_format::fixed);
  const bool is_percent = read.ec == std::errc{} && std::string_view(read.ptr, end) == "%";
  return is_percent && percent >= 0 && percent <= 100 ? std::optional(percent / 100) : std::nullopt;
}

ValueResult<double> as_cpus(const JsonNode& node, double low, std::uint32_t machine_cpus) {
  double value = -1;
  if (const auto* whole = std::get_if<std::int64_t>(&node.value))
    value = static_cast<double>(*whole);
  else if (const auto* real = std::get_if<double>(&node.value))
    value = *real;
  else if (const auto* text = std::get_if<std::string>(&node.value))
    value = as_part(*text).value_or(-1) * machine_cpus;
  if (!(value >= low && value <= kMaxCpus))
    return refuse(node, fmt::format(R"(a number of CPUs from {} to {}, or a part of the machine's )"
                                    R"(such as "10%")",
                                    low, kMaxCpus));
  return value;
}

/// The index of the one of @p choices that @p node is.
ValueResult<std::size_t> as_choice(const JsonNode& node,
                                   std::span<const std::string_view> choices) {
  const auto* text = std::get_if<std::string>(&node.value);
  const auto found = text == nullptr ? choices.end() : std::ranges::find(choices, *text);
  if (found != choices.end())
    return static_cast<std::size_t>(found - choices.begin());
  return refuse(node, fmt::format(R"("{}")", fmt::join(choices, R"(" or ")")),
                text == nullptr ? "" : did_you_mean(*text, choices));
}

ValueResult<Placement> as_cpu_list(const JsonNode& node, std::string_view list) {
  auto cpus = CidSet::parse(list);
  if (!cpus)
    return tl::unexpected(std::move(cpus.error().message));
  if (cpus->empty())
    return refuse(node, R"("cpus:" with a list of CPU numbers such as "cpus:0-3,8")");
  return PlaceCpus{std::move(*cpus)};
}

ValueResult<Placement> as_node_list(const JsonNode& node, std::string_view list) {
  auto nodes = CidSet::parse(list);
  if (!nodes)
    return tl::unexpected(std::move(nodes.error().message));
  if (nodes->empty())
    return refuse(node, R"("nodes:" with a list of node numbers such as "nodes:0,2")");
  return PlaceNodes{std::move(*nodes)};
}

// What a pattern must be whatever it means, then what the library says of it.
ValueResult<std::string> as_pattern(const JsonNode& node, CgroupPattern::Kind kind, bool fits,
                                    std::string_view allowed) {
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr || !fits)
    return refuse(node, allowed, text != nullptr && is_mount_path(*text) ? path_hint(*text) : "");
  const auto pattern = CgroupPattern::compile(kind, *text);
  if (!pattern)
    return refuse(node, allowed, ": " + pattern.error().message);
  return *text;
}

bool is_pattern_text(const JsonNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  return text != nullptr && !text->empty() && text->size() <= kMaxPath && is_printable(*text);
}

}  // namespace

bool is_name(std::string_view text) {
  if (text.size() > kMaxName)
    return is_cgroup_path(text);
  return !text.empty() && is_printable(text);
}

bool is_cgroup_path(std::string_view path) {
  if (path.size() < 2 || path.size() > kMaxPath || path[0] != '/' || !is_printable(path))
    return false;
  while (!path.empty()) {
    const auto component = path.substr(1, path.find('/', 1) - 1);
    if (component.empty() || component.size() > kMaxName || component == "." || component == "..")
      return false;
    path.remove_prefix(1 + component.size());
  }
  return true;
}

std::string not_allowed(const JsonNode& node, std::string_view allowed) {
  return fmt::format("{} is not {}", shown(node), allowed);
}

ValueResult<bool> as_bool(const JsonNode& node) {
  const auto* value = std::get_if<bool>(&node.value);
  if (value == nullptr)
    return refuse(node, "true or false");
  return *value;
}

ValueResult<std::string> as_text(const JsonNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr)
    return refuse(node, "a string");
  return *text;
}

ValueResult<std::string> as_name(const JsonNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr || !is_name(*text))
    return refuse(node,
                  fmt::format("a name of 1 to {} bytes without control characters", kMaxName));
  return *text;
}

ValueResult<std::string> as_cgroup_path(const JsonNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr || !is_cgroup_path(*text) || is_mount_path(*text))
    return refuse(node,
                  "the absolute, normalised path of a cgroup below the root, such as "
                  "\"/system.slice/db.service\"",
                  text == nullptr ? "" : path_hint(*text));
  return *text;
}

ValueResult<std::string> as_cgroup_glob(const JsonNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  const bool fits =
      is_pattern_text(node) && text->starts_with('/') && *text != "/" && !is_mount_path(*text);
  return as_pattern(node, CgroupPattern::Kind::glob, fits,
                    "a glob over absolute paths, such as \"/user.slice/*/app-*.scope\"");
}

ValueResult<std::string> as_cgroup_regex(const JsonNode& node) {
  return as_pattern(node, CgroupPattern::Kind::regex, is_pattern_text(node),
                    "a regular expression of whole paths, such as "
                    "\"/system\\\\.slice/(web|api)-[0-9]+\\\\.service\"");
}

ValueResult<QosClass> as_qos(const JsonNode& node) {
  static constexpr std::array<std::string_view, 3> kChoices{"guaranteed", "burstable",
                                                            "besteffort"};
  static constexpr std::array kClasses{QosClass::guaranteed, QosClass::burstable,
                                       QosClass::besteffort};
  return as_choice(node, kChoices).map([](std::size_t i) { return kClasses.at(i); });
}

ValueResult<std::string> as_pod_uid(const JsonNode& node) {
  constexpr std::size_t kFilePodDigits = 32;
  const auto* text = std::get_if<std::string>(&node.value);
  const auto is_of_file = [](std::string_view uid) {
    return uid.size() == kFilePodDigits && std::ranges::all_of(uid, is_hex_digit);
  };
  if (text == nullptr || !(is_uuid(*text) || is_of_file(*text)))
    return refuse(node,
                  "the uid of a pod, such as \"0f3c2a1e-5b7d-4c11-9a64-d2f1c0b3a987\" (of one "
                  "from a file the 32 digits of its annotation kubernetes.io/config.hash)");
  return *text;
}

ValueResult<std::string> as_scheduler(const JsonNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  const auto valid = [](std::string_view name) {
    return !name.empty() && name.size() <= kMaxScheduler && is_word_character(name[0]) &&
           std::ranges::all_of(name,
                               [](char c) { return is_word_character(c) || c == '-' || c == '.'; });
  };
  if (text == nullptr || !valid(*text))
    return refuse(node, fmt::format("the name of a scheduler: 1 to {} letters, digits, \"_\", "
                                    "\"-\" and \".\", starting with one of the first three",
                                    kMaxScheduler));
  return *text;
}

ValueResult<std::uint32_t> as_weight(const JsonNode& node) {
  return as_count(node, 10000);
}

ValueResult<std::uint32_t> as_tenant_count(const JsonNode& node) {
  return as_whole(node, 0, 1000).map([](std::int64_t n) { return static_cast<std::uint32_t>(n); });
}

ValueResult<std::uint32_t> as_landing_count(const JsonNode& node) {
  return as_whole(node, 0, FIEF_MAX_CIDS).map([](std::int64_t n) {
    return static_cast<std::uint32_t>(n);
  });
}

ValueResult<double> as_min_cpus(const JsonNode& node, std::uint32_t machine_cpus) {
  return as_cpus(node, 0, machine_cpus);
}

ValueResult<double> as_max_cpus(const JsonNode& node, std::uint32_t machine_cpus) {
  return as_cpus(node, kLeastCpus, machine_cpus);
}

ValueResult<Placement> as_placement(const JsonNode& node) {
  static constexpr std::array<std::string_view, 5> kForms{"pack", "spread", "near", "cpus",
                                                          "nodes"};
  const auto* text = std::get_if<std::string>(&node.value);
  const std::string_view form = text == nullptr ? std::string_view{} : *text;
  if (form == "pack")
    return PlacePack{};
  if (form == "spread")
    return PlaceSpread{};
  if (form.starts_with(kNear) && is_name(form.substr(kNear.size())))
    return PlaceNear{std::string(form.substr(kNear.size()))};
  if (form.starts_with(kCpus) && is_printable(form))
    return as_cpu_list(node, form.substr(kCpus.size()));
  if (form.starts_with(kNodes) && is_printable(form))
    return as_node_list(node, form.substr(kNodes.size()));
  return refuse(node, R"("pack", "spread", "near:NAME", "cpus:LIST" or "nodes:LIST")",
                did_you_mean(form.substr(0, form.find(':')), kForms));
}

ValueResult<Cores> as_cores(const JsonNode& node) {
  static constexpr std::array<std::string_view, 3> kChoices{"any", "performance", "efficiency"};
  return as_choice(node, kChoices).map([](std::size_t i) { return static_cast<Cores>(i); });
}

ValueResult<Smt> as_smt(const JsonNode& node) {
  static constexpr std::array<std::string_view, 2> kChoices{"together", "split"};
  return as_choice(node, kChoices).map([](std::size_t i) {
    return i == 0 ? Smt::together : Smt::split;
  });
}

ValueResult<Lend> as_lend(const JsonNode& node) {
  if (const auto* all = std::get_if<bool>(&node.value))
    return *all ? Lend::cpus : Lend::nothing;
  if (const auto* text = std::get_if<std::string>(&node.value); text != nullptr && *text == "cores")
    return Lend::cores;
  return refuse(node, "true, false or \"cores\"");
}

ValueResult<OnStop> as_on_stop(const JsonNode& node) {
  static constexpr std::array<std::string_view, 2> kChoices{"leave", "keep"};
  return as_choice(node, kChoices).map([](std::size_t i) {
    return i == 0 ? OnStop::leave : OnStop::keep;
  });
}

ValueResult<std::chrono::milliseconds> as_delay(const JsonNode& node) {
  constexpr std::chrono::milliseconds kDay = std::chrono::hours(24);
  return as_whole(node, 1, kDay.count()).map([](std::int64_t n) {
    return std::chrono::milliseconds(n);
  });
}

ValueResult<std::chrono::milliseconds> as_age(const JsonNode& node) {
  constexpr std::chrono::milliseconds kMinute = std::chrono::minutes(1);
  return as_whole(node, 0, kMinute.count()).map([](std::int64_t n) {
    return std::chrono::milliseconds(n);
  });
}

ValueResult<std::uint32_t> as_failure_count(const JsonNode& node) {
  return as_count(node, 1000);
}

ValueResult<std::uint32_t> as_denied_rate(const JsonNode& node) {
  return as_count(node, 1'000'000);
}

ValueResult<OptionValue> as_option(const JsonNode& node) {
  if (const auto* flag = std::get_if<bool>(&node.value))
    return *flag;
  if (const auto* number = std::get_if<std::int64_t>(&node.value))
    return *number;
  if (const auto* text = std::get_if<std::string>(&node.value); text && is_printable(*text))
    return *text;
  return refuse(node,
                "true, false, a whole number of 64 bits or a string without control "
                "characters");
}

ValueResult<std::string> as_cap(const JsonNode& node) {
  static constexpr std::array<std::string_view, 1> kCaps{"perf"};
  return as_choice(node, kCaps).map([](std::size_t i) { return std::string(kCaps.at(i)); });
}

bool is_option_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxOptionName && (is_letter(name[0]) || name[0] == '_') &&
         std::ranges::all_of(name, is_word_character);
}

}  // namespace fief
