// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/history.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/message_ids.hpp"

namespace fief::cli {
namespace {

constexpr std::array kEvents{HistoryEvent{message::kRunning, "running", Paint::good},
                             HistoryEvent{message::kAdopted, "adopted", Paint::good},
                             HistoryEvent{message::kNotAdopted, "not-adopted", Paint::warn},
                             HistoryEvent{message::kKept, "stopped-kept", Paint::plain},
                             HistoryEvent{message::kStopped, "stopped", Paint::plain},
                             HistoryEvent{message::kUnusable, "unusable", Paint::bad},
                             HistoryEvent{kUnitProcessFailed, "daemon-failed", Paint::bad},
                             HistoryEvent{message::kRootLoaded, "root-loaded", Paint::good},
                             HistoryEvent{message::kRootExited, "root-ended", Paint::bad},
                             HistoryEvent{message::kRootRefused, "root-refused", Paint::bad},
                             HistoryEvent{message::kSchedulerAttached, "attached", Paint::good},
                             HistoryEvent{message::kSchedulerDetached, "detached", Paint::plain},
                             HistoryEvent{message::kSchedulerExited, "ended", Paint::bad},
                             HistoryEvent{message::kAttachFailed, "attach-failed", Paint::bad},
                             HistoryEvent{message::kQuarantined, "quarantined", Paint::bad},
                             HistoryEvent{message::kPlanApplied, "plan", Paint::plain},
                             HistoryEvent{message::kPlanRefused, "plan-refused", Paint::warn},
                             HistoryEvent{message::kNotAsPlanned, "not-as-planned", Paint::warn},
                             HistoryEvent{message::kPolicyLoaded, "policy", Paint::plain},
                             HistoryEvent{message::kPolicyRefused, "policy-refused", Paint::bad},
                             HistoryEvent{message::kPolicyKept, "policy-kept", Paint::warn},
                             HistoryEvent{message::kRequested, "request", Paint::bold},
                             HistoryEvent{message::kRequestRefused, "request-refused", Paint::warn},
                             HistoryEvent{message::kBoostEnded, "boost-ended", Paint::plain},
                             HistoryEvent{message::kEventsDropped, "events-lost", Paint::warn},
                             HistoryEvent{message::kCgroupsUnread, "cgroups-unread", Paint::warn},
                             HistoryEvent{message::kLogLost, "log-lost", Paint::warn}};

constexpr std::array<const char*, 10> kFields{
    "MESSAGE_ID", "MESSAGE",    "FIEF_CGROUP",     "FIEF_DELEGATION", "FIEF_SUBJECT",
    "FIEF_PLAN",  "FIEF_CAUSE", "FIEF_SENDER_UID", "FIEF_SENDER_PID", "FIEF_SCHEDULER"};

std::string text_of(const JournalFields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string{} : found->second;
}

template <class Number>
std::optional<Number> number_of(const JournalFields& fields, std::string_view name) {
  const auto found = fields.find(name);
  if (found == fields.end())
    return std::nullopt;
  Number number{};
  const auto* end = found->second.data() + found->second.size();
  const auto read = std::from_chars(found->second.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end ? std::optional(number) : std::nullopt;
}

bool is_last_part(std::string_view part, std::string_view path) {
  return !part.empty() && !part.starts_with('/') && path.size() > part.size() &&
         path.ends_with(part) && path[path.size() - part.size() - 1] == '/';
}

// Two ways to write the same, as far as that can be known from them.
bool may_be_same(std::string_view a, std::string_view b) {
  return !a.empty() && (a == b || is_last_part(a, b) || is_last_part(b, a));
}

}  // namespace

std::span<const HistoryEvent> history_events() {
  return kEvents;
}

std::span<const char* const> history_fields() {
  return kFields;
}

HistoryEntry entry_of(std::uint64_t time_usec, std::string boot, const JournalFields& fields) {
  const auto* event =
      std::ranges::find(kEvents, text_of(fields, "MESSAGE_ID"), &HistoryEvent::message_id);
  return {.time_usec = time_usec,
          .boot = std::move(boot),
          .event = event == kEvents.end() ? std::string{} : std::string(event->name),
          .cgroup = text_of(fields, "FIEF_CGROUP"),
          .delegation = text_of(fields, "FIEF_DELEGATION"),
          .subject = text_of(fields, "FIEF_SUBJECT"),
          .scheduler = text_of(fields, "FIEF_SCHEDULER"),
          .plan = number_of<std::uint64_t>(fields, "FIEF_PLAN"),
          .cause = text_of(fields, "FIEF_CAUSE"),
          .requester = number_of<std::uint32_t>(fields, "FIEF_SENDER_UID"),
          .requester_pid = number_of<std::int32_t>(fields, "FIEF_SENDER_PID"),
          .text = text_of(fields, "MESSAGE")};
}

void HistorySubject::learn(const HistoryEntry& entry) {
  if (!is_about(entry))
    return;
  has_occurred_ = true;
  if (entry.cgroup.empty() || entry.delegation.empty())
    return;
  cgroups_.insert(entry.cgroup);
  delegations_.insert(entry.delegation);
}

// An entry that names a cgroup is about that one alone, though its pattern may mean others as well.
bool HistorySubject::is_about(const HistoryEntry& entry) const {
  if (!entry.cgroup.empty())
    return may_be_same(name_, entry.cgroup) || name_ == entry.delegation ||
           cgroups_.contains(entry.cgroup);
  return may_be_same(name_, entry.subject) || delegations_.contains(entry.subject) ||
         std::ranges::any_of(cgroups_, [&entry](const std::string& cgroup) {
           return may_be_same(entry.subject, cgroup);
         });
}

}  // namespace fief::cli
