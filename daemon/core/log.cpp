// SPDX-License-Identifier: GPL-2.0-only
// Text lines go through spdlog; journal entries do not, since spdlog's journal sink knows no
// fields of one's own.
#include "core/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <mutex>

#include "core/journal.hpp"
#include "core/printable.hpp"
#include "core/rate_limit.hpp"

namespace fief::log {
namespace {

struct LevelName {
  Level level;
  std::string_view name;
  spdlog::level::level_enum spdlog;
};

constexpr std::array kLevels{
    LevelName{Level::debug, "debug", spdlog::level::debug},
    LevelName{Level::info, "info", spdlog::level::info},
    LevelName{Level::notice, "notice", spdlog::level::info},
    LevelName{Level::warning, "warning", spdlog::level::warn},
    LevelName{Level::error, "error", spdlog::level::err},
};

const LevelName& entry(Level level) {
  return kLevels.at(static_cast<std::size_t>(level));
}

// Beside a dump nothing that fief says of itself is longer; what others wrote may be.
constexpr std::size_t kMaxMessage = 4096;

// A line that begins without a blank is one of fief's own.
std::string indented(std::string_view lines) {
  std::string text;
  for (const char c : lines) {
    text += c;
    if (c == '\n')
      text += "  ";
  }
  return text;
}

// Who asks for something has a part of the log of their own. What administrators ask for is always
// said: root can do worse than to write much.
std::string kind_of(const Record& record) {
  const auto& fields = record.fields;
  // Records without an id are rare one-offs; each sentence is a kind of its own only by its level.
  const auto kind = fields.message_id.empty() ? to_string(record.level) : fields.message_id;
  return fields.sender_uid ? fmt::format("{} uid {}", kind, *fields.sender_uid) : std::string(kind);
}

bool is_asked_by_root(const Record& record) {
  return record.fields.sender_uid == 0U;
}

class TextSink : public Sink {
 public:
  TextSink() : logger_(kIdentifier, std::make_shared<spdlog::sinks::stderr_sink_st>()) {
    logger_.set_level(spdlog::level::debug);
    logger_.set_pattern("%v");
    logger_.flush_on(spdlog::level::debug);
  }

  void write(const Record& record) override {
    const auto level = entry(record.level);
    logger_.log(level.spdlog, "{}: {}", level.name, indented(record.message));
    if (!record.fields.dump.empty())
      logger_.log(level.spdlog, "  {}", indented(printable_lines(record.fields.dump)));
  }

 private:
  spdlog::logger logger_;
};

struct State {
  std::mutex mutex;
  std::unique_ptr<Sink> sink = std::make_unique<TextSink>();
  Level threshold = Level::info;
  RateLimit limit{30, std::chrono::seconds{10}};
};

State& state() {
  static State instance;
  return instance;
}

}  // namespace

Result<Level> parse_level(std::string_view text) {
  for (const auto& level : kLevels)
    if (level.name == text)
      return level.level;
  return fail(Errc::invalid, "\"{}\" is not a log level; use debug, info, notice, warning or error",
              text);
}

std::string_view to_string(Level level) {
  return entry(level).name;
}

// systemd names the stream it connected to stderr as "device:inode".
bool writes_to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat st{};
  return stream != nullptr && fstat(STDERR_FILENO, &st) == 0 &&
         fmt::format("{}:{}", st.st_dev, st.st_ino) == stream;
}

std::unique_ptr<Sink> default_sink() {
  if (writes_to_journal())
    return std::make_unique<JournalSink>();
  return std::make_unique<TextSink>();
}

void set_sink(std::unique_ptr<Sink> sink) {
  auto& log = state();
  {
    const std::scoped_lock lock(log.mutex);
    log.sink.swap(sink);
  }
  sink.reset();  // unlocked: it may take its time to write what it holds
}

void set_level(Level level) {
  auto& log = state();
  const std::scoped_lock lock(log.mutex);
  log.threshold = level;
}

Level level() {
  auto& log = state();
  const std::scoped_lock lock(log.mutex);
  return log.threshold;
}

void write(Record record) {
  auto& log = state();
  const std::scoped_lock lock(log.mutex);
  if (record.level < log.threshold)
    return;
  RateLimit::Verdict verdict;
  if (!is_asked_by_root(record))
    verdict = log.limit.admit(kind_of(record), std::chrono::steady_clock::now());
  if (!verdict.pass)
    return;
  record.message = printable_lines(shortened(record.message, kMaxMessage));
  if (verdict.suppressed > 0)
    record.message += fmt::format(" ({} similar messages held back)", verdict.suppressed);
  log.sink->write(record);
}

}  // namespace fief::log
