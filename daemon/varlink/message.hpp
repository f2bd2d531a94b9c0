// SPDX-License-Identifier: GPL-2.0-only
// Varlink's messages: JSON objects, each ended by a NUL that is not part of the texts here. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "status/json_values.hpp"

namespace fief::varlink {

struct Call {
  std::string interface;  ///< "io.fief.Manager"
  std::string method;     ///< "GetStatus"
  json::Json parameters = json::Json::object();
  bool more = false;    ///< the caller takes any number of replies
  bool oneway = false;  ///< the caller takes none
};

/// Errc::invalid: @p text is no call, after which nothing on the connection can be trusted.
Result<Call> parse_call(std::string_view text);

/// The reply with @p parameters, an object. @p continues: it is not the last one.
std::string reply(const json::Json& parameters, bool continues = false);
/// The same with the JSON document @p document as it is, as the parameter "json".
std::string reply_document(std::string_view document);
/// The reply that the call has failed. @p error: "org.varlink.service.MethodNotFound".
std::string reply_error(std::string_view error, const json::Json& parameters);

/// The failure of a method of io.fief.Manager; @p of_files: Errc::invalid blames the policy files.
std::string reply_failure(const Error& error, bool of_files = false);

}  // namespace fief::varlink
