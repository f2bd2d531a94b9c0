// SPDX-License-Identifier: GPL-2.0-only
#include "policy/systemd_unit.hpp"

#include <algorithm>
#include <array>

namespace fief {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::string_view kGlobCharacters = "*?[]!";
constexpr std::string_view kSlice = ".slice";

constexpr std::array<std::string_view, 6> kTypesWithCgroup{"service", "scope", "slice",
                                                           "socket",  "mount", "swap"};
constexpr std::array<std::string_view, 5> kTypesWithout{"automount", "device", "path", "target",
                                                        "timer"};

// Names that begin so get a "_" in front, lest they are taken for a file of the kernel's.
constexpr std::array<std::string_view, 14> kFilePrefixes{
    "_",      ".",       "cgroup.",  "cpu.",  "cpuacct.",      "cpuset.",      "io.",
    "blkio.", "memory.", "devices.", "pids.", "bpf-firewall.", "bpf-devices.", "bpf-foreign."};

// Of a component of a path, the name that systemd has escaped so: one "_" in front is its own.
constexpr std::string_view kUnescaped = "(?:_|(?!_))";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool has(std::string_view text, char c) {
  return text.find(c) != std::string_view::npos;
}

bool is_unit_character(char c) {
  return is_alphanumeric(c) || has(":-_.\\@", c);
}

bool is_glob(std::string_view name) {
  return name.find_first_of("*?[") != std::string_view::npos;
}

std::string_view type_of(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& all) {
  return std::ranges::find(all, text) != all.end();
}

// As systemctl: a name that ends in no type of unit is a service's, a glob stays what it is.
std::string with_type(std::string_view name) {
  const auto type = type_of(name);
  const bool has_type = is_one_of(type, kTypesWithCgroup) || is_one_of(type, kTypesWithout);
  return std::string(name) + (is_glob(name) || has_type ? "" : ".service");
}

Status check_characters(std::string_view name, std::string_view further) {
  const bool valid = std::ranges::all_of(
      name, [further](char c) { return is_unit_character(c) || has(further, c); });
  if (!valid)
    return fail(Errc::invalid,
                "other characters than letters, digits and \":-_.\\@\" are written "
                "as systemd-escape(1) writes them");
  if (name.empty() || name.size() > kMaxName)
    return fail(Errc::invalid, "names have 1 to {} bytes", kMaxName);
  return {};
}

// Of a name with its type.
Status check_has_cgroup(const std::string& unit) {
  const auto type = type_of(unit);
  if (is_one_of(type, kTypesWithout))
    return fail(Errc::invalid, "units of type \"{}\" have no cgroup", type);
  if (unit == "-.slice")
    return fail(Errc::invalid, "that is the root, which \"root\" is about");
  const auto dot = unit.rfind('.');
  if (!is_glob(unit) && dot > 0 && unit[dot - 1] == '@')
    return fail(Errc::invalid, "a template has no cgroup, its instances have: \"{}*{}\"",
                unit.substr(0, dot), unit.substr(dot));
  return {};
}

std::string escaped(std::string_view text, std::string_view plain = "") {
  std::string regex;
  for (const char c : text) {
    if (!is_alphanumeric(c) && !has(plain, c))
      regex += '\\';
    regex += c;
  }
  return regex;
}

// The set that @p glob begins with, brackets included; "" if it is none. A "]" may come first.
std::string_view leading_set(std::string_view glob) {
  const std::size_t first = glob.starts_with("[!") ? 2 : 1;
  const auto end = glob.find(']', first + 1);
  if (end == std::string_view::npos || has(glob.substr(first, end - first), '['))
    return {};
  return glob.substr(0, end + 1);
}

std::string regex_of_set(std::string_view set) {
  const bool negated = set.starts_with("[!");
  const auto members = set.substr(negated ? 2 : 1, set.size() - (negated ? 3 : 2));
  return fmt::format("(?!/)[{}{}]", negated ? "^" : "", escaped(members, "-"));
}

// A glob as systemctl takes it: backslashes stand for themselves, there are no classes in sets.
Result<std::string> regex_of_glob(std::string_view glob) {
  std::string regex;
  while (!glob.empty()) {
    std::size_t taken = 1;
    if (glob[0] == '*') {
      regex += "[^/]*";
    } else if (glob[0] == '?') {
      regex += "[^/]";
    } else if (glob[0] == '[') {
      const auto set = leading_set(glob);
      if (set.empty())
        return fail(Errc::invalid, "the set \"{}\" has no end", glob);
      regex += regex_of_set(set);
      taken = set.size();
    } else {
      regex += escaped(glob.substr(0, 1));
    }
    glob.remove_prefix(taken);
  }
  return regex;
}

std::string cgroup_name(std::string_view unit) {
  const bool collides = std::ranges::any_of(
      kFilePrefixes, [unit](std::string_view prefix) { return unit.starts_with(prefix); });
  return (collides ? "_" : "") + std::string(unit);
}

Status check_slice(std::string_view stem) {
  if (stem == "-")
    return fail(Errc::invalid, "that is the root, which \"root\" is about");
  if (is_glob(stem))
    return fail(Errc::invalid, "a slice is named whole; \"unit\" takes globs");
  if (const auto valid = check_characters(stem, ""); !valid)
    return valid;
  if (stem.starts_with('-') || stem.ends_with('-') || has(stem, '@') ||
      stem.find("--") != std::string_view::npos)
    return fail(Errc::invalid, "each \"-\" stands between the names of two slices");
  return {};
}

}  // namespace

Result<std::string> unit_regex(std::string_view name) {
  if (const auto valid = check_characters(name, kGlobCharacters); !valid)
    return tl::unexpected(valid.error());
  const auto unit = with_type(name);
  if (const auto valid = check_has_cgroup(unit); !valid)
    return tl::unexpected(valid.error());
  return regex_of_glob(unit).map([](const std::string& regex) {
    return fmt::format("{}/{}{}", kSlicesRegex, kUnescaped, regex);
  });
}

Result<std::string> slice_path(std::string_view name) {
  const auto stem = name.ends_with(kSlice) ? name.substr(0, name.size() - kSlice.size()) : name;
  if (const auto valid = check_slice(stem); !valid)
    return tl::unexpected(valid.error());
  std::string path;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = stem.find('-', end + 1);
    path += '/' + cgroup_name(std::string(stem.substr(0, end)) + std::string(kSlice));
  }
  return path;
}

std::string user_slice_path(std::uint32_t uid) {
  return fmt::format("/user.slice/user-{}.slice", uid);
}

}  // namespace fief
