// SPDX-License-Identifier: GPL-2.0-only
#include "backend/methods.hpp"

#include <algorithm>
#include <utility>

namespace fief {
namespace {

Operation make_reload(const MethodValues& /*none*/) {
  return Reload{};
}

Operation make_set(const MethodValues& values) {
  return Set{values.subject, values.properties, values.lifetime};
}

Operation make_attach(const MethodValues& values) {
  ChangedKeys keys;
  if (!values.scheduler.empty())
    keys.emplace("scheduler", values.scheduler);
  if (!values.options.empty())
    keys.emplace("options", values.options);
  return Attach{values.subject, std::move(keys), values.lifetime};
}

Operation make_detach(const MethodValues& values) {
  return Detach{values.subject, values.lifetime};
}

Operation make_revert(const MethodValues& values) {
  return Revert{values.subject};
}

Operation make_kill(const MethodValues& values) {
  return Kill{values.subject, values.reason};
}

Operation make_boost(const MethodValues& values) {
  return Boost{.subject = values.subject, .keys = values.properties, .reason = values.reason};
}

Operation make_replan(const MethodValues& values) {
  return Replan{values.from_scratch};
}

Operation make_leave(const MethodValues& /*none*/) {
  return Leave{};
}

}  // namespace

ArgumentForm form_of(ArgumentKind kind) {
  switch (kind) {
    case ArgumentKind::subject:
      return {.name = "delegation", .dbus = "s", .varlink = "string"};
    case ArgumentKind::scheduler:
      return {.name = "scheduler", .dbus = "s", .varlink = "?string"};
    case ArgumentKind::options:
      return {.name = "options", .dbus = "a{sv}", .varlink = "?object"};
    case ArgumentKind::properties:
      return {.name = "properties", .dbus = "a{sv}", .varlink = "object"};
    case ArgumentKind::reason:
      return {.name = "reason", .dbus = "s", .varlink = "?string"};
    case ArgumentKind::lifetime:
    case ArgumentKind::from_scratch:
      break;
  }
  return {.name = "flags", .dbus = "t", .varlink = "?int"};
}

const std::vector<Method>& change_methods() {
  using enum ArgumentKind;
  static const std::vector<Method> methods{
      {"Reload", {}, make_reload},
      {"SetProperties", {subject, properties, lifetime}, make_set},
      {"Attach", {subject, scheduler, options, lifetime}, make_attach},
      {"Detach", {subject, lifetime}, make_detach},
      {"Revert", {subject}, make_revert},
      {"Kill", {subject, reason}, make_kill},
      {"Boost", {subject, properties, reason}, make_boost, /*is_held=*/true},
      {"Replan", {from_scratch}, make_replan},
      {"Leave", {}, make_leave}};
  return methods;
}

const Method* find_change_method(std::string_view name) {
  const auto& methods = change_methods();
  const auto found = std::ranges::find(methods, name, &Method::name);
  return found == methods.end() ? nullptr : &*found;
}

Result<Options> to_options(const ChangedKeys& values) {
  Options options;
  for (const auto& [name, value] : values) {
    if (const auto* flag = std::get_if<bool>(&value))
      options[name] = *flag;
    else if (const auto* number = std::get_if<std::int64_t>(&value))
      options[name] = *number;
    else if (const auto* text = std::get_if<std::string>(&value))
      options[name] = *text;
    else
      return fail(Errc::invalid, "option \"{}\" is no boolean, whole number or string", name);
  }
  return options;
}

}  // namespace fief
