// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/waiting.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fief::cli {
namespace {

constexpr std::array<std::string_view, 6> kPatternKeys{"unit",    "container",   "pod",
                                                       "machine", "cgroup_glob", "cgroup_regex"};

const ShownValue* value_of(const ShownDelegation& delegation, std::string_view key) {
  const auto found = std::ranges::find(delegation.values, key, &ShownValue::key);
  return found == delegation.values.end() ? nullptr : &*found;
}

std::string text_of(const ShownDelegation& delegation, std::string_view key) {
  const auto* value = value_of(delegation, key);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(&value->value);
  return text == nullptr ? std::string{} : *text;
}

bool is_enabled(const ShownDelegation& delegation) {
  const auto* value = value_of(delegation, "enabled");
  const auto* enabled = value == nullptr ? nullptr : std::get_if<bool>(&value->value);
  return enabled == nullptr || *enabled;
}

bool is_pattern(const ShownDelegation& delegation) {
  return text_of(delegation, "cgroup").empty() &&
         std::ranges::any_of(kPatternKeys, [&delegation](std::string_view key) {
           return value_of(delegation, key) != nullptr;
         });
}

bool is_shown(const StatusView& status, const ShownDelegation& delegation) {
  return std::ranges::any_of(status.schedulers, [&delegation](const SchedulerView& view) {
    return view.delegation == delegation.name || view.pattern == delegation.name;
  });
}

SchedulerView absent(const ShownDelegation& delegation) {
  SchedulerView view;
  view.path = text_of(delegation, "cgroup");
  view.delegation = delegation.name;
  view.pattern = view.path.empty() ? delegation.name : std::string{};
  view.scheduler = text_of(delegation, "scheduler");
  return view;
}

}  // namespace

void add_waiting(StatusView& status, const ShownPolicy& policy) {
  std::vector<SchedulerView> added;
  for (const auto& delegation : policy.delegations) {
    const bool says_where = is_pattern(delegation) || !text_of(delegation, "cgroup").empty();
    if (says_where && is_enabled(delegation) && !is_shown(status, delegation))
      added.push_back(absent(delegation));
  }
  auto& views = status.schedulers;
  std::ranges::move(added, std::back_inserter(views));
  std::ranges::stable_sort(
      views, {}, [](const SchedulerView& view) { return std::pair(view.path.empty(), view.path); });
}

bool is_absent(const SchedulerView& view) {
  return view.state == SchedulerState::waiting && view.cgroup == kSelf && view.path != "/";
}

const char* why_absent(const SchedulerView& view) {
  return view.path.empty() ? "pattern: 0 now" : "waits: no such cgroup";
}

}  // namespace fief::cli
