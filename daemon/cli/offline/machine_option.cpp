// SPDX-License-Identifier: GPL-2.0-only
#include "cli/offline/machine_option.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "policy/suggest.hpp"

namespace fief::cli {
namespace {

constexpr std::uint32_t kMost = 65536;

Status set_count(std::uint32_t& count, std::string_view value) {
  std::uint32_t number = 0;
  const auto* end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc{} || rest != end || number == 0 || number > kMost)
    return fail(Errc::invalid, "is not a number from 1 to {}", kMost);
  count = number;
  return {};
}

Status set_text(std::string& text, std::string_view value) {
  if (value.empty())
    return fail(Errc::invalid, "is empty");
  text = value;
  return {};
}

Status set_virtualization(std::string& text, std::string_view value) {
  constexpr std::array<std::string_view, 3> kAllowed{"none", "vm", "container"};
  if (std::ranges::find(kAllowed, value) == kAllowed.end())
    return fail(Errc::invalid, "is none of none, vm and container");
  text = value;
  return {};
}

struct Fact {
  std::string_view name;
  Status (*set)(Machine& machine, std::string_view value);
};

constexpr std::array kFacts{
    Fact{"cpus", [](Machine& m, std::string_view value) { return set_count(m.cpus, value); }},
    Fact{"nodes", [](Machine& m, std::string_view value) { return set_count(m.nodes, value); }},
    Fact{"kernel", [](Machine& m, std::string_view value) { return set_text(m.kernel, value); }},
    Fact{"host", [](Machine& m, std::string_view value) { return set_text(m.host, value); }},
    Fact{"architecture",
         [](Machine& m, std::string_view value) { return set_text(m.architecture, value); }},
    Fact{"virtualization",
         [](Machine& m, std::string_view value) {
           return set_virtualization(m.virtualization, value);
         }},
};

Status set_fact(Machine& machine, std::string_view part) {
  const auto equals = part.find('=');
  const auto name = part.substr(0, equals);
  const auto* fact = std::ranges::find(kFacts, name, &Fact::name);
  if (fact == kFacts.end()) {
    std::array<std::string_view, kFacts.size()> names;
    std::ranges::transform(kFacts, names.begin(), &Fact::name);
    const auto hint = did_you_mean(name, names);
    return fail(Errc::invalid, "a machine has no \"{}\"{}", name,
                hint.empty() ? fmt::format("; it has {}", fmt::join(names, ", ")) : hint);
  }
  if (equals == std::string_view::npos)
    return fail(Errc::invalid, "\"{}\" has no value: {}=VALUE", name, name);
  const auto set = fact->set(machine, part.substr(equals + 1));
  return set ? set : context(part, set.error());
}

}  // namespace

Result<Machine> with_facts(Machine machine, std::string_view text) {
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (const auto set = set_fact(machine, text.substr(0, comma)); !set)
      return tl::unexpected(set.error());
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return machine;
}

}  // namespace fief::cli
