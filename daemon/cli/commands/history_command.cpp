// SPDX-License-Identifier: GPL-2.0-only
// The history: chosen from the journal, printed, and followed.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <vector>

#include "cli/commands/commands.hpp"
#include "cli/journal/journal_reader.hpp"
#include "cli/text/history.hpp"
#include "cli/text/journal_time.hpp"
#include "cli/text/render_history.hpp"
#include "cli/text/style.hpp"
#include "status/view_json.hpp"

namespace fief::cli {
namespace {

constexpr int kIndent = 2;
constexpr std::size_t kLinesToFollow = 10;

std::uint64_t present_usec() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

// Nothing for a time that is not given.
Result<std::optional<std::uint64_t>> moment_of(const char* option, const std::string& text,
                                               std::uint64_t now_usec) {
  if (text.empty())
    return std::optional<std::uint64_t>{};
  const auto moment = parse_moment(text, now_usec);
  if (!moment)
    return context(option, moment.error());
  return std::optional(*moment);
}

Result<JournalRange> range_of(const HistoryOptions& options) {
  const auto now_usec = present_usec();
  const auto since = moment_of("--since", options.since, now_usec);
  const auto until = moment_of("--until", options.until, now_usec);
  if (!since || !until)
    return tl::unexpected(since ? until.error() : since.error());
  if (*since && *until && **since > **until)
    return fail(Errc::invalid, "--since {} is later than --until {}", render_moment(**since),
                render_moment(**until));
  return JournalRange{.since_usec = *since, .until_usec = *until, .boot = {}};
}

/// What was asked for and what was found.
class History {
 public:
  History(const HistoryOptions& options, JournalReader& journal, JournalRange range)
      : options_(options), journal_(journal), range_(std::move(range)) {
    if (options.this_boot)
      range_.boot = journal.last_boot();
    for (const auto& name : options.subjects)
      subjects_.emplace_back(name);
  }

  Status read();
  Status follow();
  [[nodiscard]] const std::vector<HistoryEntry>& entries() const { return entries_; }

 private:
  Status learn_subjects();
  [[nodiscard]] bool is_wanted(const HistoryEntry& entry) const;
  [[nodiscard]] std::optional<std::size_t> most() const;
  [[nodiscard]] bool print(const HistoryEntry& entry) const;

  const HistoryOptions& options_;
  JournalReader& journal_;
  JournalRange range_;
  std::vector<HistorySubject> subjects_;
  std::vector<HistoryEntry> entries_;
};

// By all there is: the names that somebody went by may be from long before the time asked for.
Status History::learn_subjects() {
  if (subjects_.empty())
    return {};
  auto read = journal_.read_back({}, [this](const HistoryEntry& entry) {
    for (auto& subject : subjects_)
      subject.learn(entry);
    return true;
  });
  if (!read || options_.follow)
    return read;
  const auto unknown = std::ranges::find_if_not(
      subjects_, [](const auto& subject) { return subject.has_occurred(); });
  if (unknown == subjects_.end())
    return {};
  return fail(Errc::not_found,
              "the journal says nothing about \"{}\": name a cgroup by its path or its last part, "
              "or a delegation",
              unknown->name());
}

Status History::read() {
  if (const auto learnt = learn_subjects(); !learnt)
    return learnt;
  const auto limit = most();
  const auto read = journal_.read_back(range_, [this, limit](const HistoryEntry& entry) {
    if (limit && entries_.size() >= *limit)
      return false;
    if (is_wanted(entry))
      entries_.push_back(entry);
    return true;
  });
  std::ranges::reverse(entries_);
  return read;
}

Status History::follow() {
  for (const auto& entry : entries_)
    if (!print(entry))
      return {};
  return journal_.follow([this](const HistoryEntry& entry) {
    for (auto& subject : subjects_)
      subject.learn(entry);
    return !is_wanted(entry) || print(entry);
  });
}

bool History::is_wanted(const HistoryEntry& entry) const {
  return subjects_.empty() || std::ranges::any_of(subjects_, [&entry](const auto& subject) {
           return subject.is_about(entry);
         });
}

std::optional<std::size_t> History::most() const {
  return options_.follow ? options_.lines.value_or(kLinesToFollow) : options_.lines;
}

// False once nobody reads it any more.
bool History::print(const HistoryEntry& entry) const {
  if (options_.json) {
    auto document = json::Json{{"schema", kStatusSchema}};
    document.update(to_json(entry));
    fmt::print("{}\n", json::to_text(document));
  } else {
    fmt::print("{}", render_entry(entry, detect_style()));
  }
  return std::fflush(stdout) == 0;
}

int print_all(const std::vector<HistoryEntry>& entries, bool json) {
  if (entries.empty())
    fmt::print(stderr, "fiefctl: the journal has no entry of fief's that was asked for\n");
  if (json)
    fmt::print("{}\n", json::to_text(to_json(entries), kIndent));
  else if (!entries.empty())
    fmt::print("{}", render_history(entries, detect_style()));
  return kDone;
}

int follow(History& history, bool json) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes ends it by a failing flush
  if (!json)
    fmt::print("{}", render_history_heading(detect_style()));
  std::fflush(stdout);
  const auto followed = history.follow();
  return followed ? kDone : report(followed.error(), json);
}

}  // namespace

int history_command(const HistoryOptions& options) {
  const auto range = range_of(options);
  if (!range)
    return report_refusal(range.error(), options.json);
  auto journal = JournalReader::open(options.directory);
  if (!journal)
    return report(journal.error(), options.json);
  History history(options, *journal, *range);
  if (const auto read = history.read(); !read)
    return report(read.error(), options.json);
  return options.follow ? follow(history, options.json)
                        : print_all(history.entries(), options.json);
}

}  // namespace fief::cli
