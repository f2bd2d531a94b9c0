// SPDX-License-Identifier: GPL-2.0-only
// io.fief.Manager: io.fief.Manager.varlink is its contract.
#include <algorithm>
#include <array>
#include <utility>

#include "fief/dbus_names.hpp"
#include "status/policy_json.hpp"
#include "status/view_json.hpp"
#include "varlink/arguments.hpp"
#include "varlink/methods.hpp"

namespace fief::varlink {
namespace {

using json::Json;

/// What a method is given.
struct Context {
  Arguments& arguments;
  const Backend& backend;
  LiveStatus& status;
  Boosts& boosts;
  bool more = false;
};

// A change that may be wrong in itself.
template <class Change>
Outcome outcome_of(Result<Change> change) {
  if (!change)
    return reply_failure(change.error());
  return std::move(*change);
}

Outcome texts(const Result<ExplanationTexts>& said, bool of_files) {
  if (!said)
    return reply_failure(said.error(), of_files);
  return reply({{"text", said->text}, {"json", Json::parse(said->json)}});
}

Lifetime lifetime(Arguments& arguments) {
  return arguments.flag(dbus::kFlagUntilRestart) ? Lifetime::until_restart : Lifetime::persistent;
}

Outcome get_status(const Context& context) {
  return context.status.reply();
}

Outcome get_plan(const Context& context) {
  return reply_document(context.backend.plan());
}

Outcome get_policy(const Context& context) {
  return reply_document(to_json(context.backend.policy()));
}

Outcome explain(const Context& context) {
  return texts(context.backend.explain(context.arguments.text("subject")), false);
}

Outcome preview_reload(const Context& context) {
  return texts(context.backend.preview_reload(), true);
}

Outcome reload(const Context& /*context*/) {
  return reload_change();
}

Outcome set_properties(const Context& context) {
  auto& arguments = context.arguments;
  const auto subject = arguments.text("delegation");
  auto keys = arguments.values("properties");
  return outcome_of(properties_change(subject, std::move(keys), lifetime(arguments)));
}

Outcome attach(const Context& context) {
  auto& arguments = context.arguments;
  const auto subject = arguments.text("delegation");
  const auto scheduler = arguments.text_or_empty("scheduler");
  auto options = arguments.options_or_none("options");
  return attach_change(subject, scheduler, std::move(options), lifetime(arguments));
}

Outcome detach(const Context& context) {
  const auto subject = context.arguments.text("delegation");
  return detach_change(subject, lifetime(context.arguments));
}

Outcome revert(const Context& context) {
  return revert_change(context.arguments.text("delegation"));
}

Outcome kill(const Context& context) {
  const auto subject = context.arguments.text("delegation");
  return outcome_of(kill_change(subject, context.arguments.text_or_empty("reason")));
}

Outcome boost(const Context& context) {
  auto& arguments = context.arguments;
  const auto subject = arguments.text("delegation");
  auto keys = arguments.values("properties");
  const auto reason = arguments.text_or_empty("reason");
  if (!context.more)
    return reply_error("org.varlink.service.ExpectedMore", Json::object());
  return outcome_of(context.boosts.make(subject, std::move(keys), reason));
}

Outcome replan(const Context& context) {
  return replan_change(context.arguments.flag(dbus::kFlagFromScratch));
}

Outcome leave(const Context& /*context*/) {
  return leave_change();
}

struct Method {
  std::string_view name;
  Outcome (*call)(const Context& context);
};
constexpr std::array kMethods{Method{"GetStatus", get_status},
                              Method{"GetPlan", get_plan},
                              Method{"GetPolicy", get_policy},
                              Method{"Explain", explain},
                              Method{"Reload", reload},
                              Method{"PreviewReload", preview_reload},
                              Method{"SetProperties", set_properties},
                              Method{"Attach", attach},
                              Method{"Detach", detach},
                              Method{"Revert", revert},
                              Method{"Kill", kill},
                              Method{"Boost", boost},
                              Method{"Replan", replan},
                              Method{"Leave", leave}};

}  // namespace

// Nothing has happened yet when the arguments are judged: a method only says what is to be done.
Outcome call_manager(const Call& call, const Backend& backend, LiveStatus& status, Boosts& boosts) {
  const auto* method = std::ranges::find(kMethods, std::string_view(call.method), &Method::name);
  if (method == kMethods.end())
    return method_not_found(call);
  Arguments arguments(call.parameters);
  auto outcome = method->call({.arguments = arguments,
                               .backend = backend,
                               .status = status,
                               .boosts = boosts,
                               .more = call.more});
  if (const auto fault = arguments.fault())
    return invalid_parameter(*fault);
  return outcome;
}

}  // namespace fief::varlink
