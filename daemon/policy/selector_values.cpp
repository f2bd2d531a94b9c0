// SPDX-License-Identifier: GPL-2.0-only
#include "policy/selector_values.hpp"

#include <limits>
#include <string_view>

#include "policy/cgroup_pattern.hpp"
#include "policy/container_layout.hpp"
#include "policy/machine_layout.hpp"
#include "policy/systemd_unit.hpp"

namespace fief {
namespace {

// What runtimes show of an id, and the whole of it.
constexpr std::size_t kLeastDigits = 12;
constexpr std::size_t kMostDigits = 64;
constexpr std::string_view kDigits = "0123456789abcdef";
// The last number means nobody (see chown(2)).
constexpr std::int64_t kMaxUser = std::numeric_limits<std::uint32_t>::max() - 1;

// @p stands_for takes the text to what it means, or says why it means nothing.
ValueResult<Selector> as_name_of(const JsonNode& node, std::string_view allowed,
                                 Result<std::string> (*stands_for)(std::string_view)) {
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr)
    return tl::unexpected(not_allowed(node, allowed));
  auto cgroups = stands_for(*text);
  if (!cgroups)
    return tl::unexpected(
        fmt::format("{}: {}", not_allowed(node, allowed), cgroups.error().message));
  return Selector{*text, std::move(*cgroups)};
}

// Ranges that run backwards are found by who compiles them.
Result<std::string> checked_unit_regex(std::string_view name) {
  return unit_regex(name).and_then([](std::string regex) -> Result<std::string> {
    if (const auto sound = CgroupPattern::compile(CgroupPattern::Kind::regex, regex); !sound)
      return tl::unexpected(sound.error());
    return regex;
  });
}

Result<std::string> checked_slice_path(std::string_view name) {
  return slice_path(name).and_then([](std::string path) -> Result<std::string> {
    if (!is_cgroup_path(path))
      return fail(Errc::invalid, "its path is too long");
    return path;
  });
}

}  // namespace

ValueResult<Selector> as_unit(const JsonNode& node) {
  return as_name_of(node,
                    "the name of a unit with a cgroup or a glob, such as \"db.service\" or "
                    "\"web@*.service\"",
                    checked_unit_regex);
}

ValueResult<Selector> as_slice(const JsonNode& node) {
  return as_name_of(node, "the name of a slice, such as \"background.slice\"", checked_slice_path);
}

ValueResult<Selector> as_user(const JsonNode& node, const UserLookup& users) {
  if (const auto* number = std::get_if<std::int64_t>(&node.value);
      number != nullptr && *number >= 0 && *number <= kMaxUser)
    return Selector{std::to_string(*number), user_slice_path(static_cast<std::uint32_t>(*number))};
  const auto* name = std::get_if<std::string>(&node.value);
  if (name == nullptr || !is_name(*name))
    return tl::unexpected(
        not_allowed(node, fmt::format("a user's name, or number from 0 to {}", kMaxUser)));
  const auto uid = users(*name);
  if (!uid)
    return tl::unexpected(fmt::format("{}; a number needs no look-up", uid.error().message));
  return Selector{*name, user_slice_path(*uid)};
}

ValueResult<Selector> as_machine(const JsonNode& node) {
  return as_name_of(
      node,
      "the name of a virtual machine or container as \"machinectl\" or \"virsh list\" "
      "shows it, or a glob, such as \"web\" or \"build-*\"",
      machine_regex);
}

ValueResult<Selector> as_container(const JsonNode& node) {
  const auto* id = std::get_if<std::string>(&node.value);
  if (id == nullptr || id->size() < kLeastDigits || id->size() > kMostDigits ||
      id->find_first_not_of(kDigits) != std::string::npos)
    return tl::unexpected(not_allowed(
        node, fmt::format("the id of a container or its first {} digits or more, 0 to 9 and a to f;"
                          " names are not in the paths of cgroups",
                          kLeastDigits)));
  return Selector{*id, container_regex(*id)};
}

}  // namespace fief
