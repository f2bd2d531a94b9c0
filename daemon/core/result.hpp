// SPDX-License-Identifier: GPL-2.0-only
// The one result type of fief.
//
// Rules of use:
//   - A function that can fail for a reason the caller must expect returns Result<T> or Status.
//   - Nothing throws for such reasons. Exceptions of libraries are caught where the library is
//     called and turned into an Error there.
//   - An Error's message is one sentence for people: what failed, where, and the remedy if there
//     is one. It neither starts with a capital nor ends with a full stop, so that it can be
//     prefixed: context("/etc/fief/policy.json", error).
//   - Libraries return errors; only the edges (main, control, D-Bus, CLI) log them, once, and as a
//     whole: log::error({}, "no kernel: {}", error) writes down where it came from, too.
#pragma once

#include <fmt/format.h>

#include <source_location>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace fief {

/// What kind of failure it was: decides exit codes, D-Bus error names and whether to retry.
enum class Errc {
  invalid,      ///< the input is wrong; the same call will fail again
  not_found,    ///< a cgroup, file, object or scheduler that is not there (yet)
  busy,         ///< somebody else holds it; retrying later may help
  denied,       ///< too few privileges
  unsupported,  ///< this kernel or build cannot do it; retrying will not help
  infeasible,   ///< the demands of the policy cannot all be met
  io,           ///< reading or writing failed
  kernel,       ///< the kernel refused or failed
  stale,        ///< the state changed underneath; observe and try again
};

struct Error {
  Errc code;
  std::string message;
  /// Where it was found out, for who looks into the journal; no part of the sentence.
  std::source_location origin = std::source_location::current();
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// An Errc with the place of the call that it is an argument of.
struct CodeAt {
  constexpr CodeAt(Errc kind, std::source_location place = std::source_location::current())
      : code(kind), origin(place) {}
  Errc code;
  std::source_location origin;
};

/// Builds the failure value of any Result: `return fail(Errc::io, "cannot read {}", path);`.
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(CodeAt at, fmt::format_string<Args...> format,
                                         Args&&... args) {
  return tl::unexpected<Error>(
      Error{at.code, fmt::format(format, std::forward<Args>(args)...), at.origin});
}

/// The same failure with a place in front: "<where>: <message>".
[[nodiscard]] inline tl::unexpected<Error> context(std::string_view where, const Error& error) {
  return tl::unexpected<Error>(
      Error{error.code, fmt::format("{}: {}", where, error.message), error.origin});
}

}  // namespace fief

/// Its sentence. In a line of the log its origin goes along (core/log.hpp).
template <>
struct fmt::formatter<fief::Error> : fmt::formatter<std::string_view> {
  auto format(const fief::Error& error, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(error.message, context);
  }
};
