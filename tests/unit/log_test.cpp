// SPDX-License-Identifier: GPL-2.0-only
// The log façade: thresholds, floods, and a catalog entry for every message id.
#include "core/log.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <set>
#include <source_location>
#include <vector>

#include "core/message_ids.hpp"
#include "core/rate_limit.hpp"

namespace fief::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class Recorder : public Sink {
 public:
  explicit Recorder(std::vector<Record>& records) : records_(records) {}
  void write(const Record& record) override { records_.push_back(record); }

 private:
  std::vector<Record>& records_;
};

class Log : public ::testing::Test {
 public:
  ~Log() override {
    set_sink(default_sink());
    set_level(Level::info);
  }

 protected:
  Log() { set_sink(std::make_unique<Recorder>(records_)); }
  std::vector<Record> records_;
};

TEST_F(Log, CarriesSentenceAndFields) {
  error({.message_id = message::kRootExited, .exit_kind = 1026}, "ended after {} s", 3);
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_EQ(records_[0].level, Level::error);
  EXPECT_EQ(records_[0].message, "ended after 3 s");
  EXPECT_EQ(records_[0].fields.message_id, message::kRootExited);
  EXPECT_EQ(records_[0].fields.exit_kind, 1026U);
  EXPECT_FALSE(records_[0].fields.plan);
}

TEST_F(Log, AnErrorBringsItsOriginAlong) {
  const auto here = std::source_location::current();
  const Status status = fail(Errc::io, "no {}", "disk");
  const Status above = context("/var", status.error());
  warning({}, "{} waits: {}", "a", above.error());
  info({}, "all is well");
  EXPECT_EQ(records_[0].message, "a waits: /var: no disk");
  ASSERT_TRUE(records_[0].fields.origin);
  EXPECT_EQ(records_[0].fields.origin->line(), here.line() + 1);
  EXPECT_STREQ(records_[0].fields.origin->file_name(), here.file_name());
  EXPECT_FALSE(records_[1].fields.origin);
}

TEST_F(Log, DropsWhatIsBelowTheThreshold) {
  set_level(Level::warning);
  info({}, "not this");
  notice({}, "nor this");
  warning({}, "this");
  EXPECT_THAT(records_, ::testing::SizeIs(1));
}

TEST_F(Log, OneFloodingKindLeavesOthersAlone) {
  for (int i = 0; i < 1000; ++i)
    info({.message_id = message::kPlanApplied}, "plan {}", i);
  const auto passed = records_.size();
  EXPECT_LT(passed, 100U);
  error({.message_id = message::kEventsDropped}, "another");
  EXPECT_EQ(records_.size(), passed + 1);
}

TEST_F(Log, WhoAsksForMuchSilencesNobodyElse) {
  const auto ask = [](std::uint32_t uid) {
    info({.message_id = message::kRequested, .sender_uid = uid}, "uid {} asks", uid);
  };
  for (int i = 0; i < 1000; ++i)
    ask(1000);
  const auto passed = records_.size();
  EXPECT_LT(passed, 100U);
  ask(1001);
  EXPECT_EQ(records_.size(), passed + 1);
  for (int i = 0; i < 100; ++i)
    ask(0);
  EXPECT_EQ(records_.size(), passed + 101);
}

TEST_F(Log, WhatOthersWroteIsBoundedAndMovesNoCursor) {
  info({}, "set label={}", std::string(60'000, 'x'));
  EXPECT_LT(records_[0].message.size(), 5000U);
  EXPECT_THAT(records_[0].message, ::testing::HasSubstr("(60010 bytes)"));
  info({}, "/a\x1b[2J");
  EXPECT_EQ(records_[1].message, "/a\\x1b[2J");
}

TEST(TextLog, NobodyForgesALine) {
  set_sink(default_sink());
  ::testing::internal::CaptureStderr();
  info({}, "set label=a\nerror: forged");
  info({.dump = "one\nerror: forged"}, "ended");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "info: set label=a\n  error: forged\ninfo: ended\n  one\n  error: forged\n");
}

TEST(RateLimit, ForgetsWhoDoesNotComeAgain) {
  RateLimit limit(1, milliseconds{100});
  auto now = steady_clock::time_point{};
  for (int uid = 0; uid < 10'000; ++uid)
    limit.admit(std::to_string(uid), now += milliseconds{10});
  EXPECT_LE(limit.size(), 300U);
}

TEST(RateLimit, CountsWhatItHoldsBack) {
  RateLimit limit(2, milliseconds{100});
  const auto start = steady_clock::time_point{};
  EXPECT_TRUE(limit.admit("a", start).pass);
  EXPECT_TRUE(limit.admit("a", start + milliseconds{99}).pass);
  EXPECT_FALSE(limit.admit("a", start + milliseconds{99}).pass);
  EXPECT_TRUE(limit.admit("b", start + milliseconds{99}).pass);
  const auto next = limit.admit("a", start + milliseconds{100});
  EXPECT_TRUE(next.pass);
  EXPECT_EQ(next.suppressed, 1U);
  EXPECT_EQ(limit.admit("a", start + milliseconds{101}).suppressed, 0U);
}

TEST(Level, NamesAreReadBack) {
  for (const auto level : {Level::debug, Level::info, Level::notice, Level::warning, Level::error})
    EXPECT_EQ(parse_level(to_string(level)), level);
  EXPECT_EQ(parse_level("loud").error().code, Errc::invalid);
}

std::string read_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Every run of exactly 32 hexadecimal digits.
std::set<std::string> ids_in(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::set<std::string> found;
  for (auto at = text.find_first_of(kDigits); at != std::string::npos;) {
    const auto end = std::min(text.find_first_not_of(kDigits, at), text.size());
    if (end - at == 32)
      found.insert(text.substr(at, 32));
    at = text.find_first_of(kDigits, end);
  }
  return found;
}

TEST(Catalog, ExplainsExactlyTheMessagesThereAre) {
  const auto ids = ids_in(read_file(FIEF_SOURCE_DIR "/daemon/core/message_ids.hpp"));
  EXPECT_FALSE(ids.empty());
  EXPECT_EQ(ids, ids_in(read_file(FIEF_SOURCE_DIR "/systemd/fief.catalog")));
}

}  // namespace
}  // namespace fief::log
