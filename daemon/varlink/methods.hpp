// SPDX-License-Identifier: GPL-2.0-only
// What the methods of both interfaces come to: each decodes its arguments and decides nothing.
#pragma once

#include <string>
#include <variant>

#include "backend/backend.hpp"
#include "backend/operation.hpp"
#include "varlink/live_status.hpp"
#include "varlink/message.hpp"

namespace fief::varlink {

/// The reply itself, or what is to be carried out for those who may, and answered then.
using Outcome = std::variant<std::string, Operation>;

/// A call of io.fief.Manager.
Outcome call_manager(const Call& call, const Backend& backend, LiveStatus& status);
/// A call of any other interface.
std::string call_service(const Call& call);

/// The replies to what cannot be called so.
std::string method_not_found(const Call& call);
std::string invalid_parameter(const std::string& parameter);

}  // namespace fief::varlink
