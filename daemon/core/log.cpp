// SPDX-License-Identifier: GPL-2.0-only
// Text lines go through spdlog; journal entries do not, since spdlog's journal sink knows no
// fields of one's own.
#include "core/log.hpp"

// sd-journal otherwise adds this file's line to every entry, which helps nobody.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "core/rate_limit.hpp"

namespace fief::log {
namespace {

struct LevelName {
  Level level;
  std::string_view name;
  int priority;  // syslog(3)
  spdlog::level::level_enum spdlog;
};

constexpr std::array kLevels{
    LevelName{Level::debug, "debug", LOG_DEBUG, spdlog::level::debug},
    LevelName{Level::info, "info", LOG_INFO, spdlog::level::info},
    LevelName{Level::notice, "notice", LOG_NOTICE, spdlog::level::info},
    LevelName{Level::warning, "warning", LOG_WARNING, spdlog::level::warn},
    LevelName{Level::error, "error", LOG_ERR, spdlog::level::err},
};

const LevelName& entry(Level level) {
  return kLevels.at(static_cast<std::size_t>(level));
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
    logger_.log(level.spdlog, "{}: {}", level.name, record.message);
    if (!record.fields.dump.empty())
      logger_.log(level.spdlog, "{}", record.fields.dump);
  }

 private:
  spdlog::logger logger_;
};

// The "NAME=value" strings of one journal entry.
std::vector<std::string> journal_fields(const Record& record) {
  const auto& fields = record.fields;
  std::vector<std::string> out{fmt::format("MESSAGE={}", record.message),
                               fmt::format("PRIORITY={}", entry(record.level).priority),
                               fmt::format("SYSLOG_IDENTIFIER={}", kIdentifier)};
  const auto add_text = [&out](std::string_view name, std::string_view value) {
    if (!value.empty())
      out.push_back(fmt::format("{}={}", name, value));
  };
  const auto add_number = [&out](std::string_view name, const auto& value) {
    if (value)
      out.push_back(fmt::format("{}={}", name, *value));
  };
  add_text("MESSAGE_ID", fields.message_id);
  add_text("FIEF_CGROUP", fields.cgroup);
  if (fields.cgroup_id != CgroupId{})
    out.push_back(fmt::format("FIEF_CGROUP_ID={}", fields.cgroup_id.value));
  add_text("FIEF_SCHEDULER", fields.scheduler);
  add_number("FIEF_EXIT_KIND", fields.exit_kind);
  add_number("FIEF_EXIT_CODE", fields.exit_code);
  add_number("FIEF_PLAN", fields.plan);
  add_text("FIEF_SENDER", fields.sender);
  add_number("FIEF_SENDER_UID", fields.sender_uid);
  add_number("FIEF_SENDER_PID", fields.sender_pid);
  add_text("FIEF_DUMP", fields.dump);
  return out;
}

class JournalSink : public Sink {
 public:
  void write(const Record& record) override {
    auto fields = journal_fields(record);
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (auto& field : fields)
      parts.push_back({.iov_base = field.data(), .iov_len = field.size()});
    // A journal that takes nothing leaves nobody to tell.
    static_cast<void>(sd_journal_sendv(parts.data(), static_cast<int>(parts.size())));
  }
};

struct State {
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
  state().sink = std::move(sink);
}

void set_level(Level level) {
  state().threshold = level;
}

Level level() {
  return state().threshold;
}

void write(Record record) {
  auto& log = state();
  if (record.level < log.threshold)
    return;
  // Records without an id are rare one-offs; each sentence is a kind of its own only by its level.
  const auto kind =
      record.fields.message_id.empty() ? to_string(record.level) : record.fields.message_id;
  const auto verdict = log.limit.admit(kind, std::chrono::steady_clock::now());
  if (!verdict.pass)
    return;
  if (verdict.suppressed > 0)
    record.message += fmt::format(" ({} similar messages held back)", verdict.suppressed);
  log.sink->write(record);
}

}  // namespace fief::log
