// SPDX-License-Identifier: GPL-2.0-only
// The methods that change something, once for all ways to call them: what each takes, in order, and
// the operation that it asks for. D-Bus reads the arguments by their order, Varlink by their names;
// org.fief.Fief1.Manager.xml and io.fief.Manager.varlink say the same to those who call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backend/operation.hpp"
#include "core/result.hpp"

namespace fief {

/// What an argument says; a field of MethodValues each.
enum class ArgumentKind { subject, scheduler, options, properties, reason, lifetime, from_scratch };

/// How an argument is called and written.
struct ArgumentForm {
  std::string_view name;
  std::string_view dbus;     ///< signature: "a{sv}"
  std::string_view varlink;  ///< type: "?object", which may be absent
};
ArgumentForm form_of(ArgumentKind kind);

/// What a method was called with; what it does not take, or may do without, stays as it is here.
struct MethodValues {
  std::string subject{};
  std::string scheduler{};  ///< empty: the one there is
  Options options{};
  ChangedKeys properties{};
  std::string reason{};
  Lifetime lifetime = Lifetime::persistent;
  bool from_scratch = false;
};

struct Method {
  std::string_view name;  ///< "SetProperties"
  std::vector<ArgumentKind> arguments;
  Operation (*make)(const MethodValues& values);
  bool is_held = false;  ///< lasts as long as what is answered: a descriptor, or the connection
};

const std::vector<Method>& change_methods();
/// nullptr: no method of that name changes anything.
const Method* find_change_method(std::string_view name);

/// Reads @p values as a scheduler's options. Errc::invalid: one of them is a real.
Result<Options> to_options(const ChangedKeys& values);

}  // namespace fief
