// SPDX-License-Identifier: GPL-2.0-only
// The way to the daemon: plain calls of its Manager that wait for their answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/fd.hpp"
#include "core/result.hpp"
#include "policy/change.hpp"
#include "status/json_values.hpp"

namespace fief::cli {

/// An argument of a method: D-Bus goes by its place, Varlink by its name.
struct Argument {
  const char* name;
  std::variant<std::string, std::uint64_t, ChangedKeys> value;
};
using Arguments = std::vector<Argument>;

/// What a method answers with; empty where that is not part of it.
struct Answer {
  std::string text;  ///< for people
  std::string json;  ///< for programs
};

/// One thing that happened.
struct Announcement {
  /// "attached", "detached", "changed", "daemon-appeared" or "daemon-vanished".
  std::string event;
  std::string cgroup;  ///< "" if it concerns the daemon as a whole
  json::Json details;  ///< an object: scheduler, reason, or the changed properties
};
/// Returns false to end.
using Listener = std::function<bool(const Announcement&)>;

/// Fails with Errc::unsupported where there is no such thing this way, otherwise as code_of() says.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Whether there is a daemon to ask. Neither this nor a call starts it.
  virtual bool daemon_runs() = 0;
  /// Calls @p method; returns when what it changes is in force. Errc::denied: the caller may not,
  /// having been asked to authenticate where that is possible.
  virtual Result<Answer> call(const std::string& method, const Arguments& arguments) = 0;
  /// The same for a method that answers with a file descriptor, or with what lasts as long as that
  /// is open. It is the last call.
  virtual Result<UniqueFd> open(const std::string& method, const Arguments& arguments) = 0;
  /// Calls @p tell for everything that happens from now on. Returns only when that ends it, or with
  /// why it cannot be followed (any more).
  virtual Status follow(const Listener& tell) = 0;
};

/// How long an answer to @p method is waited for. What only reads is answered at once by a daemon
/// that is well; a change, when it is in force.
std::chrono::seconds patience_for(std::string_view method);
/// The kind of failure that an error of the daemon is, by the last part of its name, which D-Bus
/// and Varlink have in common.
Errc code_of(std::string_view error_name);
/// The failures of a call that brought no answer, and one that makes no sense.
tl::unexpected<Error> no_answer();
tl::unexpected<Error> unreadable(std::string_view why);

}  // namespace fief::cli
