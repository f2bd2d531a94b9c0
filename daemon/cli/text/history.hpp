// SPDX-License-Identifier: GPL-2.0-only
// What fief did and why, as the journal tells it: entries as values, and which of them are about
// whom. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/text/style.hpp"

namespace fief::cli {

/// What a MESSAGE_ID means to a history.
struct HistoryEvent {
  std::string_view message_id;
  std::string_view name;  ///< "attached": for people and programs, never renamed
  Paint paint = Paint::plain;
};

/// Every event there is: fief's own, and the service manager's of a daemon that ended badly.
std::span<const HistoryEvent> history_events();

/// MESSAGE_ID of the service manager's entry about a process of a unit that failed.
inline constexpr std::string_view kUnitProcessFailed = "98e322203f7a4ed290d09fe03c09fe15";

/// The journal's fields of one entry, by name.
using JournalFields = std::map<std::string, std::string, std::less<>>;

/// The names of the fields that a history is made from.
std::span<const char* const> history_fields();

struct HistoryEntry {
  std::uint64_t time_usec = 0;  ///< since 1970
  std::string boot{};           ///< the boot's id
  std::string event{};          ///< of history_events(); empty: none that is known
  std::string cgroup{};         ///< path; empty: none in particular
  std::string delegation{};     ///< its name in the policy, or of its pattern
  std::string subject{};        ///< of whom something was asked, as it was written
  std::string scheduler{};
  std::optional<std::uint64_t> plan{};
  std::string cause{};                       ///< of a plan
  std::optional<std::uint32_t> requester{};  ///< uid of who asked
  std::optional<std::int32_t> requester_pid{};
  std::string text{};
  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

/// The entry that @p fields make; what they lack, or what is no number, is left out.
HistoryEntry entry_of(std::uint64_t time_usec, std::string boot, const JournalFields& fields);

/// Chooses the entries about one subject: a cgroup's path or its last part, or the name of a
/// delegation or pattern. Entries name it in one of these ways, so who has one is learnt of.
class HistorySubject {
 public:
  explicit HistorySubject(std::string name) : name_(std::move(name)) {}

  /// Remembers the other names of the subject, if @p entry is about it and has any.
  void learn(const HistoryEntry& entry);
  /// By the names that are known so far.
  [[nodiscard]] bool is_about(const HistoryEntry& entry) const;
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Whether an entry that was learnt from is about it.
  [[nodiscard]] bool has_occurred() const { return has_occurred_; }

 private:
  std::string name_;
  std::set<std::string, std::less<>> cgroups_;
  std::set<std::string, std::less<>> delegations_;
  bool has_occurred_ = false;
};

}  // namespace fief::cli
