// SPDX-License-Identifier: GPL-2.0-only
#include "policy/machine_layout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "policy/systemd_unit.hpp"

namespace fief {
namespace {

constexpr std::size_t kMaxName = 64;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_glob_character(char c) {
  return c == '*' || c == '?';
}

bool is_machine_character(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || is_glob_character(c);
}

// One character of a name in the name of a unit: as it is, or as systemd-escape(1) writes a dash.
std::string regex_of(char c, bool escaped) {
  switch (c) {
    case '*':
      return "[^/]*";
    case '?':
      return escaped ? R"((?:[^/\\]|\\x[0-9a-f]{2}))" : "[^/]";
    case '-':
      return escaped ? R"(\\x2d)" : "-";
    case '.':
      return R"(\.)";
    default:
      return {c};
  }
}

std::string regex_of(std::string_view name, bool escaped) {
  std::string regex;
  for (const char c : name)
    regex += regex_of(c, escaped);
  return regex;
}

// libvirt drops what no host name has.
std::string domain_name(std::string_view name) {
  std::string kept(name);
  std::erase(kept, '_');
  return kept;
}

}  // namespace

Result<std::string> machine_regex(std::string_view name) {
  if (name.empty() || name.size() > kMaxName)
    return fail(Errc::invalid, "names have 1 to {} bytes", kMaxName);
  if (!std::ranges::all_of(name, is_machine_character))
    return fail(Errc::invalid,
                R"(names are of letters, digits, "-", "_" and "."; "*" and "?" stand for others)");
  const auto by_libvirt =
      fmt::format(R"(machine-(?:qemu|lxc|xen|ch|bhyve)\\x2d[0-9]+\\x2d{}\.scope)",
                  regex_of(domain_name(name), true));
  const auto by_hand = fmt::format(R"(machine-{}\.scope)", regex_of(name, true));
  const auto as_service =
      fmt::format(R"(systemd-(?:nspawn|vmspawn)@{}\.service)", regex_of(name, false));
  return fmt::format("{}/(?:{}|{}|{})", kSlicesRegex, by_libvirt, by_hand, as_service);
}

}  // namespace fief
