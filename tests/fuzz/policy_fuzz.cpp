// SPDX-License-Identifier: GPL-2.0-only
// Feeds arbitrary texts to the policy parser: whatever they are, it ends, and what it says holds.
// A NUL byte in the input separates two files, so that merging is fuzzed as well.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string_view>
#include <vector>

#include "policy/parse.hpp"
#include "policy/resolve.hpp"
#include "policy/show.hpp"

namespace {

void require(bool holds, std::string_view what) {
  if (holds)
    return;
  std::cerr << "does not hold: " << what << '\n';
  std::abort();
}

std::vector<fief::PolicyText> split(std::string_view input) {
  const auto end = input.find('\0');
  std::vector<fief::PolicyText> sources{{"1", std::string(input.substr(0, end))}};
  if (end != std::string_view::npos)
    sources.push_back({"2", std::string(input.substr(end + 1))});
  return sources;
}

/// A fault's place is inside its file.
void check_fault(const fief::PolicyFault& fault, const std::vector<fief::PolicyText>& sources) {
  const auto source = std::ranges::find(sources, fault.file, &fief::PolicyText::file);
  require(source != sources.end(), "a fault is in one of the files");
  std::string_view rest = source->text;
  for (auto line = fault.line; line > 1; --line) {
    const auto end = rest.find('\n');
    require(end != std::string_view::npos, "a fault's line exists");
    rest.remove_prefix(end + 1);
  }
  require(fault.line >= 1 && fault.column >= 1, "lines and columns count from 1");
  require(fault.column <= rest.substr(0, rest.find('\n')).size() + 1, "a fault's column exists");
  require(!fault.message.empty(), "a fault has a message");
  const auto formatted = format_fault(fault);
  require(
      std::ranges::none_of(formatted, [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
      "a fault is one printable line");
}

// Whatever the patterns are, what they make of these is a policy as well.
fief::CgroupTree some_cgroups() {
  using fief::CgroupId;
  return {
      {{.id = CgroupId{1}, .path = "/"},
       {.id = CgroupId{2}, .path = "/a", .parent = 0},
       {.id = CgroupId{3}, .path = "/a/b", .parent = 1},
       {.id = CgroupId{4}, .path = "/a/b/c-0.scope", .parent = 2},
       {.id = CgroupId{5}, .path = "/a/b/c-0.scope/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", .parent = 3},
       {.id = CgroupId{6}, .path = "/x", .parent = 0}}};
}

// Who is there must not depend on the machine.
fief::Result<std::uint32_t> some_user(const std::string& name) {
  if (name == "a")
    return 1000;
  return fief::fail(fief::Errc::not_found, "there is no user");
}

void check_policy(const fief::Policy& policy) {
  std::set<std::string_view> names;
  std::set<std::string_view> cgroups;
  for (const auto& delegation : policy.delegations) {
    require(names.insert(delegation.name).second, "names are unique");
    require(cgroups.insert(delegation.cgroup).second, "cgroups are unique");
    require(delegation.cgroup.size() > 1 && delegation.cgroup.front() == '/' &&
                delegation.cgroup.back() != '/' &&
                delegation.cgroup.find("//") == std::string::npos &&
                delegation.cgroup.find("/../") == std::string::npos,
            "cgroup paths are absolute and normalised");
    require(!delegation.weight || (*delegation.weight >= 1 && *delegation.weight <= 10000),
            "weights are in their range");
    require(!delegation.min_cpus || !delegation.max_cpus ||
                *delegation.min_cpus <= *delegation.max_cpus,
            "limits do not cross");
    require(!delegation.exclusive || delegation.lend == fief::Lend::nothing,
            "exclusive CPUs are not lent");
    require(delegation.restart.first_delay <= delegation.restart.max_delay,
            "the first pause is not the longest");
  }
}

const fief::Surroundings& some_machine() {
  static const fief::Surroundings kMachine{
      .users = some_user,
      .machine = {
          .cpus = 8, .nodes = 1, .kernel = "7.3.4", .host = "host", .architecture = "x86-64"}};
  return kMachine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as text is the point
  const auto sources = split({reinterpret_cast<const char*>(data), size});
  const auto policy = fief::parse_policy(sources, {}, {}, some_machine());
  if (policy) {
    check_policy(*policy);
    check_policy(fief::resolve(*policy, some_cgroups()));
    require(fief::show_policy(sources, some_machine()).has_value(), "a policy can be shown");
  } else {
    require(!policy.error().empty(), "a refusal has a reason");
    for (const auto& fault : policy.error())
      check_fault(fault, sources);
  }
  return 0;
}
