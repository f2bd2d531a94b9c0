// SPDX-License-Identifier: GPL-2.0-only
#include "cli/journal/journal_reader.hpp"

#include <fmt/format.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/log.hpp"

namespace fief::cli {
namespace {

constexpr char kWhoMay[] =
    "root and members of the group systemd-journal, on many systems also of adm and wheel, may: "
    "add yourself to one of them or use sudo";

std::string to_text(const sd_id128_t& id) {
  std::array<char, SD_ID128_STRING_MAX> text{};
  return ::sd_id128_to_string(id, text.data());
}

Status checked(int result, std::string_view what) {
  return result >= 0 ? Status{} : fail(Errc::io, "{}: {}", what, std::strerror(-result));
}

int add_match(sd_journal& journal, const std::string& match) {
  return ::sd_journal_add_match(&journal, match.data(), match.size());
}

// Terms of one field are alternatives, and those of several fields must all hold. Anybody may write
// an entry that calls itself fiefd's, but only root one with the user id 0, which the journal sets.
int match_daemon(sd_journal& journal) {
  int result = add_match(journal, fmt::format("SYSLOG_IDENTIFIER={}", log::kIdentifier));
  if (result >= 0)
    result = add_match(journal, "_UID=0");
  for (const auto& event : history_events())
    if (result >= 0 && event.message_id != kUnitProcessFailed)
      result = add_match(journal, fmt::format("MESSAGE_ID={}", event.message_id));
  return result;
}

// A daemon that is killed says nothing; the service manager does.
int match_service_manager(sd_journal& journal) {
  int result = ::sd_journal_add_disjunction(&journal);
  for (const auto& match :
       {std::string("_PID=1"), std::string("_UID=0"), std::string("UNIT=fiefd.service"),
        fmt::format("MESSAGE_ID={}", kUnitProcessFailed)})
    if (result >= 0)
      result = add_match(journal, match);
  return result;
}

tl::unexpected<Error> nothing_readable(const std::string& directory) {
  if (directory.empty() && ::geteuid() != 0)
    return fail(Errc::denied, "nothing of the system's journal can be read: {}", kWhoMay);
  if (directory.empty())
    return fail(Errc::not_found, "there is no journal of this system");
  return fail(Errc::not_found, "there is no journal in {} that can be read", directory);
}

std::string_view value_of(const void* data, std::size_t size, std::string_view name) {
  const std::string_view field(static_cast<const char*>(data), size);
  return field.substr(std::min(field.size(), name.size() + 1));
}

// What an entry lacks, or what is damaged, is left out.
JournalFields fields_of(sd_journal& journal) {
  JournalFields fields;
  for (const auto* name : history_fields()) {
    const void* data = nullptr;
    std::size_t size = 0;
    if (::sd_journal_get_data(&journal, name, &data, &size) >= 0)
      fields.emplace(name, value_of(data, size, name));
  }
  return fields;
}

}  // namespace

Result<JournalReader> JournalReader::open(const std::string& directory) {
  sd_journal* raw = nullptr;
  const int result = directory.empty()
                         ? ::sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM)
                         : ::sd_journal_open_directory(&raw, directory.c_str(), 0);
  if (result == -EACCES || result == -EPERM)
    return fail(Errc::denied, "the journal cannot be read: {}", kWhoMay);
  if (result < 0)
    return fail(Errc::io, "cannot open the journal{}{}: {}", directory.empty() ? "" : " in ",
                directory, std::strerror(-result));
  JournalReader reader{Journal(raw)};
  if (const auto prepared = reader.prepare(directory); !prepared)
    return tl::unexpected(prepared.error());
  return reader;
}

// Files that may not be read are passed over in silence: that there is no entry at all tells.
Status JournalReader::prepare(const std::string& directory) {
  int result = ::sd_journal_seek_tail(journal_.get());
  if (result >= 0)
    result = ::sd_journal_previous(journal_.get());
  if (result == 0)
    return nothing_readable(directory);
  sd_id128_t boot{};
  std::uint64_t ignored = 0;
  if (result > 0)
    result = directory.empty() ? ::sd_id128_get_boot(&boot)
                               : ::sd_journal_get_monotonic_usec(journal_.get(), &ignored, &boot);
  last_boot_ = to_text(boot);
  if (result >= 0)
    result = match_daemon(*journal_);
  if (result >= 0)
    result = match_service_manager(*journal_);
  return checked(result, "cannot read the journal");
}

Status JournalReader::read_back(const JournalRange& range, const Visit& visit) {
  if (const auto sought = seek_end(range); !sought)
    return sought;
  cursor_.clear();
  int result = 0;
  while ((result = ::sd_journal_previous(journal_.get())) > 0) {
    if (cursor_.empty())
      note_cursor();
    const auto entry = current();
    if (range.since_usec && entry.time_usec < *range.since_usec)
      break;
    const bool is_later = range.until_usec && entry.time_usec > *range.until_usec;
    const bool is_of_other_boot = !range.boot.empty() && entry.boot != range.boot;
    if (!is_later && !is_of_other_boot && !visit(entry))
      break;
  }
  return checked(result, "cannot read the journal");
}

Status JournalReader::follow(const Visit& visit) {
  if (const auto sought = seek_behind_last(); !sought)
    return sought;
  while (true) {
    int result = 0;
    while ((result = ::sd_journal_next(journal_.get())) > 0)
      if (!visit(current()))
        return {};
    if (result >= 0)
      result = ::sd_journal_wait(journal_.get(), UINT64_MAX);
    if (result < 0 && result != -EINTR)
      return checked(result, "cannot follow the journal");
  }
}

Status JournalReader::seek_end(const JournalRange& range) {
  // The entry before that moment comes first, so the moment itself is put one later.
  const int result = range.until_usec
                         ? ::sd_journal_seek_realtime_usec(journal_.get(), *range.until_usec + 1)
                         : ::sd_journal_seek_tail(journal_.get());
  return checked(result, "cannot read the journal");
}

Status JournalReader::seek_behind_last() {
  if (cursor_.empty())
    return checked(::sd_journal_seek_head(journal_.get()), "cannot follow the journal");
  int result = ::sd_journal_seek_cursor(journal_.get(), cursor_.c_str());
  if (result >= 0)
    result = ::sd_journal_next(journal_.get());
  return checked(result, "cannot follow the journal");
}

void JournalReader::note_cursor() {
  char* cursor = nullptr;
  if (::sd_journal_get_cursor(journal_.get(), &cursor) < 0)
    return;
  const std::unique_ptr<char, decltype(&std::free)> owned(cursor, std::free);
  cursor_ = cursor;
}

HistoryEntry JournalReader::current() const {
  std::uint64_t time_usec = 0;
  std::uint64_t ignored = 0;
  sd_id128_t boot{};
  ::sd_journal_get_realtime_usec(journal_.get(), &time_usec);
  ::sd_journal_get_monotonic_usec(journal_.get(), &ignored, &boot);
  return entry_of(time_usec, to_text(boot), fields_of(*journal_));
}

}  // namespace fief::cli
