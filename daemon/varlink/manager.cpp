// SPDX-License-Identifier: GPL-2.0-only
// io.fief.Manager: io.fief.Manager.varlink is its contract.
#include <algorithm>
#include <array>
#include <utility>

#include "backend/methods.hpp"
#include "fief/dbus_names.hpp"
#include "status/policy_json.hpp"
#include "status/view_json.hpp"
#include "varlink/arguments.hpp"
#include "varlink/methods.hpp"

namespace fief::varlink {
namespace {

using json::Json;

/// What a method that reads is given.
struct Context {
  Arguments& arguments;
  const Backend& backend;
  LiveStatus& status;
};

Outcome texts(const Result<ExplanationTexts>& said, bool of_files) {
  if (!said)
    return reply_failure(said.error(), of_files);
  return reply({{"text", said->text}, {"json", Json::parse(said->json)}});
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

struct Read {
  std::string_view name;
  Outcome (*call)(const Context& context);
};
constexpr std::array kReads{Read{"GetStatus", get_status}, Read{"GetPlan", get_plan},
                            Read{"GetPolicy", get_policy}, Read{"Explain", explain},
                            Read{"PreviewReload", preview_reload}};

void read(Arguments& arguments, ArgumentKind argument, MethodValues& values) {
  const std::string name(form_of(argument).name);
  switch (argument) {
    case ArgumentKind::subject:
      values.subject = arguments.text(name);
      break;
    case ArgumentKind::scheduler:
      values.scheduler = arguments.text_or_empty(name);
      break;
    case ArgumentKind::options:
      values.options = arguments.options_or_none(name);
      break;
    case ArgumentKind::properties:
      values.properties = arguments.values(name);
      break;
    case ArgumentKind::reason:
      values.reason = arguments.text_or_empty(name);
      break;
    case ArgumentKind::lifetime:
      values.lifetime = arguments.flag(name, dbus::kFlagUntilRestart) ? Lifetime::until_restart
                                                                      : Lifetime::persistent;
      break;
    case ArgumentKind::from_scratch:
      values.from_scratch = arguments.flag(name, dbus::kFlagFromScratch);
      break;
  }
}

Outcome decode(const Method& method, Arguments& arguments, bool more) {
  MethodValues values;
  for (const auto argument : method.arguments)
    read(arguments, argument, values);
  if (method.is_held && !more)
    return reply_error("org.varlink.service.ExpectedMore", Json::object());
  auto operation = method.make(values);
  if (const auto sound = check(operation); !sound)
    return reply_failure(sound.error());
  return operation;
}

}  // namespace

// Nothing has happened yet when the arguments are judged: a method only says what is to be done.
Outcome call_manager(const Call& call, const Backend& backend, LiveStatus& status) {
  const auto* reader = std::ranges::find(kReads, std::string_view(call.method), &Read::name);
  const auto* change = find_change_method(call.method);
  if (reader == kReads.end() && change == nullptr)
    return method_not_found(call);
  Arguments arguments(call.parameters);
  auto outcome = change != nullptr
                     ? decode(*change, arguments, call.more)
                     : reader->call({.arguments = arguments, .backend = backend, .status = status});
  if (const auto fault = arguments.fault())
    return invalid_parameter(*fault);
  return outcome;
}

}  // namespace fief::varlink
