// SPDX-License-Identifier: GPL-2.0-only
#include "policy/find.hpp"

#include <algorithm>

#include "policy/cgroup_pattern.hpp"
#include "policy/container_layout.hpp"
#include "policy/suggest.hpp"
#include "policy/systemd_unit.hpp"

namespace fief {
namespace {

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_unit(std::string_view path, std::string_view name) {
  const auto last = last_part(path);
  return last == name || (last.starts_with(name) && last.substr(name.size()) == ".service");
}

// As much of a container's id as its runtime shows, or more.
bool is_container_id(std::string_view text) {
  constexpr std::size_t kShownDigits = 12;
  return text.size() >= kShownDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

const Delegation* find_delegation(const Policy& policy, std::string_view subject) {
  std::vector<const Delegation*> all;
  for (const auto* list : {&policy.delegations, &policy.disabled})
    for (const auto& delegation : *list)
      all.push_back(&delegation);
  const auto only = [&all](auto matches) -> const Delegation* {
    const auto found = std::ranges::find_if(all, matches);
    const auto unique = std::ranges::count_if(all, matches) == 1;
    return unique ? *found : nullptr;
  };
  if (const auto* named = only([subject](const auto* item) { return item->name == subject; }))
    return named;
  if (subject.starts_with('/'))
    return only([subject](const auto* item) { return item->cgroup == subject; });
  if (const auto* last =
          only([subject](const auto* item) { return last_part(item->cgroup) == subject; }))
    return last;
  if (const auto* unit =
          only([subject](const auto* item) { return is_unit(item->cgroup, subject); }))
    return unit;
  if (!is_container_id(subject))
    return nullptr;
  const auto container =
      CgroupPattern::compile(CgroupPattern::Kind::regex, container_regex(subject));
  return container ? only([&](const auto* item) { return container->matches(item->cgroup); })
                   : nullptr;
}

std::vector<std::string> cgroups_of_unit(const CgroupTree& cgroups, std::string_view name) {
  std::vector<std::string> paths;
  const auto regex = unit_regex(name);
  if (!regex)
    return paths;
  const auto unit = CgroupPattern::compile(CgroupPattern::Kind::regex, *regex);
  if (!unit)
    return paths;
  for (const auto& node : cgroups.nodes)
    if (unit->matches(node.path))
      paths.push_back(node.path);
  return paths;
}

std::string near_cgroup(const CgroupTree& cgroups, std::string_view path) {
  const auto above = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  std::vector<std::string_view> siblings;
  for (const auto& node : cgroups.nodes)
    if (node.path != "/" && cgroups.nodes[node.parent].path == above)
      siblings.push_back(last_part(node.path));
  return did_you_mean(last_part(path), siblings);
}

}  // namespace fief
