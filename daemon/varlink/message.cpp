// SPDX-License-Identifier: GPL-2.0-only
#include "varlink/message.hpp"

#include <utility>

#include "fief/varlink_names.hpp"

namespace fief::varlink {
namespace {

using json::Json;

std::string_view error_name(Errc code, bool of_files) {
  switch (code) {
    case Errc::invalid:
      return of_files ? "InvalidPolicy" : "InvalidArgs";
    case Errc::infeasible:
      return "Infeasible";
    case Errc::not_found:
      return "NoSuchScheduler";
    case Errc::denied:
      return "NotAuthorized";
    case Errc::unsupported:
      return "NotSupported";
    case Errc::kernel:
      return "KernelRefused";
    case Errc::stale:
      return "NotApplied";
    case Errc::busy:
    case Errc::io:
      break;
  }
  return "Failed";
}

// Nothing is copied: a client may nest more deeply than a copy's recursion could follow.
bool read_flag(const Json& message, const char* name) {
  const auto found = message.find(name);
  return found != message.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace

Result<Call> parse_call(std::string_view text) {
  auto message = Json::parse(text, nullptr, false);
  if (!message.is_object())
    return fail(Errc::invalid, "the message is no JSON object");
  const auto method = message.find("method");
  if (method == message.end() || !method->is_string())
    return fail(Errc::invalid, "the message names no method");
  const auto& name = method->get_ref<const std::string&>();
  const auto dot = name.rfind('.');
  if (dot == std::string::npos)
    return fail(Errc::invalid, "\"{}\" names no interface", name);
  Call call{.interface = name.substr(0, dot),
            .method = name.substr(dot + 1),
            .more = read_flag(message, "more"),
            .oneway = read_flag(message, "oneway")};
  if (const auto parameters = message.find("parameters");
      parameters != message.end() && !parameters->is_null())
    call.parameters = std::move(*parameters);
  if (!call.parameters.is_object())
    return fail(Errc::invalid, "the parameters are no JSON object");
  return call;
}

std::string reply(const Json& parameters, bool continues) {
  Json message{{"parameters", parameters}};
  if (continues)
    message["continues"] = true;
  return json::to_text(message);
}

std::string reply_document(std::string_view document) {
  return fmt::format(R"({{"parameters":{{"json":{}}}}})", document);
}

std::string reply_error(std::string_view error, const Json& parameters) {
  return json::to_text({{"error", error}, {"parameters", parameters}});
}

std::string reply_failure(const Error& error, bool of_files) {
  return reply_error(fmt::format("{}.{}", kManagerInterface, error_name(error.code, of_files)),
                     {{"message", error.message}});
}

}  // namespace fief::varlink
