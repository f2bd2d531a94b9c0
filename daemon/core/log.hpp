// SPDX-License-Identifier: GPL-2.0-only
// The log: one sentence for people and fields for machines.
//
// Under systemd the fields go to the journal natively; elsewhere plain lines go to stderr. Only
// the edges log (control, app, who carries requests); everything below returns errors. Any thread
// may write.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief::log {

/// How the journal knows fiefd: SYSLOG_IDENTIFIER.
inline constexpr char kIdentifier[] = "fiefd";

enum class Level { debug, info, notice, warning, error };

/// "debug", "info", "notice", "warning" or "error"; Errc::invalid for anything else.
Result<Level> parse_level(std::string_view text);
std::string_view to_string(Level level);

/// Journal fields; what is empty or unset is left out.
struct Fields {
  std::string_view message_id{};              ///< of core/message_ids.hpp
  std::string cgroup{};                       ///< FIEF_CGROUP, a path
  CgroupId cgroup_id{};                       ///< FIEF_CGROUP_ID
  std::string delegation{};                   ///< FIEF_DELEGATION, a name in the policy
  std::string scheduler{};                    ///< FIEF_SCHEDULER, e.g. "fair"
  std::optional<std::uint32_t> exit_kind{};   ///< FIEF_EXIT_KIND, enum scx_exit_kind
  std::optional<std::int64_t> exit_code{};    ///< FIEF_EXIT_CODE
  std::optional<std::uint64_t> plan{};        ///< FIEF_PLAN, a plan's number
  std::string cause{};                        ///< FIEF_CAUSE, why there is another plan
  std::string sender{};                       ///< FIEF_SENDER, a unique bus name
  std::optional<std::uint32_t> sender_uid{};  ///< FIEF_SENDER_UID
  std::optional<std::int32_t> sender_pid{};   ///< FIEF_SENDER_PID
  std::string subject{};  ///< FIEF_SUBJECT: of whom something was asked, as it was written
  std::string dump{};     ///< FIEF_DUMP: an exit dump, whole, however many lines
  /// CODE_FILE, CODE_LINE: where the error was found out that the message tells of.
  std::optional<std::source_location> origin{};
};

struct Record {
  Level level = Level::info;
  std::string message;
  Fields fields;
};

/// Where records end. Called by one thread at a time.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;
  virtual void write(const Record& record) = 0;
};

/// The journal if stderr is connected to it ($JOURNAL_STREAM), else text on stderr.
std::unique_ptr<Sink> default_sink();

/// Whether default_sink() is the journal.
bool writes_to_journal();

/// Replaces the process's sink (text on stderr at first) and threshold (info at first).
void set_sink(std::unique_ptr<Sink> sink);
void set_level(Level level);
/// The threshold.
Level level();

/// Writes @p record if its level is at the threshold and its kind is not flooding the log; each
/// sender_uid is a kind of its own, and 0 is never held back. The message is bounded, and shown as
/// printable_lines() writes it.
void write(Record record);

inline void note_origin(Fields& fields, const Error& error) {
  fields.origin = error.origin;
}
template <class T>
void note_origin(Fields& /*fields*/, const T& /*no error*/) {}

/// As write(); of an Error among @p args the sentence has the message, and the fields the origin.
template <class... Args>
void write(Level level, Fields fields, fmt::format_string<Args...> format, Args&&... args) {
  (note_origin(fields, args), ...);
  write({level, fmt::format(format, std::forward<Args>(args)...), std::move(fields)});
}

template <class... Args>
void info(Fields fields, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, std::move(fields), format, std::forward<Args>(args)...);
}
template <class... Args>
void notice(Fields fields, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::notice, std::move(fields), format, std::forward<Args>(args)...);
}
template <class... Args>
void warning(Fields fields, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, std::move(fields), format, std::forward<Args>(args)...);
}
template <class... Args>
void error(Fields fields, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, std::move(fields), format, std::forward<Args>(args)...);
}

}  // namespace fief::log
