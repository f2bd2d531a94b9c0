// SPDX-License-Identifier: GPL-2.0-only
// Times as people write them.
#include "cli/text/journal_time.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace fief::cli {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kHour = 3600 * kSecond;
constexpr std::uint64_t kDay = 24 * kHour;
// 2026-11-27 18:30:05 UTC
constexpr std::uint64_t kNow = 1'795'804'205 * kSecond;
constexpr std::uint64_t kMidnight = 1'795'737'600 * kSecond;

constexpr std::uint64_t kNever = UINT64_MAX;

std::uint64_t at(std::string_view text, std::uint64_t now_usec) {
  return parse_moment(text, now_usec).value_or(kNever);
}

class JournalTime : public ::testing::Test {
 protected:
  JournalTime() { use_zone("UTC0"); }
  static void use_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
};

TEST_F(JournalTime, SpansCountFromThePresent) {
  EXPECT_EQ(at("-1h", kNow), kNow - kHour);
  EXPECT_EQ(at("1h ago", kNow), kNow - kHour);
  EXPECT_EQ(at("2 days 3 hours ago", kNow), kNow - 2 * kDay - 3 * kHour);
  EXPECT_EQ(at("-1h30min", kNow), kNow - kHour - kHour / 2);
  EXPECT_EQ(at("-1.5h", kNow), kNow - kHour - kHour / 2);
  EXPECT_EQ(at("-90", kNow), kNow - 90 * kSecond);
  EXPECT_EQ(at("+1min", kNow), kNow + 60 * kSecond);
  EXPECT_EQ(at("-1m", kNow), kNow - 60 * kSecond);
  EXPECT_EQ(at("-1M", kNow), kNow - (365 * kDay + kDay / 4) / 12);
  EXPECT_EQ(at("-1000y", kNow), 0U);
}

TEST_F(JournalTime, DaysBeginAtMidnight) {
  EXPECT_EQ(at("now", kNow), kNow);
  EXPECT_EQ(at("today", kNow), kMidnight);
  EXPECT_EQ(at("yesterday", kNow), kMidnight - kDay);
  EXPECT_EQ(at("tomorrow", kNow), kMidnight + kDay);
}

TEST_F(JournalTime, DatesAndClocks) {
  EXPECT_EQ(at("2026-11-27", kNow), kMidnight);
  EXPECT_EQ(at("2026-11-27 18:30", kNow), kNow - 5 * kSecond);
  EXPECT_EQ(at("2026-11-27 18:30:05", kNow), kNow);
  EXPECT_EQ(at("2026-11-27T18:30:05", kNow), kNow);
  EXPECT_EQ(at(" 18:30:05 ", kNow + kHour), kNow);
  EXPECT_EQ(at("2024-02-29", kNow), 1'709'164'800 * kSecond);
  EXPECT_EQ(at("@1795804205", kNow + kDay), kNow);
  EXPECT_EQ(at("@1795804205.5", 0), kNow + kSecond / 2);
}

TEST_F(JournalTime, DatesAreLocal) {
  use_zone("EST5");
  EXPECT_EQ(at("2026-11-27", kNow), kMidnight + 5 * kHour);
  EXPECT_EQ(at("today", kNow), kMidnight + 5 * kHour);
  EXPECT_EQ(render_moment(kNow), "2026-11-27 13:30:05");
}

TEST_F(JournalTime, ADayOfTwentyThreeHoursIsADay) {
  use_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  const auto noon = at("2026-03-29 12:00", kNow);
  EXPECT_EQ(at("yesterday", noon), at("2026-03-28", kNow));
  EXPECT_EQ(at("tomorrow", noon) - at("today", noon), 23 * kHour);
}

TEST_F(JournalTime, WhatIsNoTimeIsRefusedWithWhatIs) {
  for (const auto* text : {"",
                           " ",
                           "soon",
                           "-",
                           "-h",
                           "1h",
                           "-1 fortnight",
                           "-1..5h",
                           "-1h ago x",
                           "ago",
                           " ago",
                           "@",
                           "@x",
                           "@-1",
                           "@1e9",
                           "2026-13-01",
                           "2026-02-29",
                           "2026-11-31",
                           "2026-11-27 24:00",
                           "2026-11-27 18:60",
                           "2026-11-27 18:30:60",
                           "2026-11-27x18:30",
                           "26-11-27",
                           "18:3",
                           "18",
                           "-99999999999999999999y now",
                           "+9999999y"}) {
    const auto moment = parse_moment(text, kNow);
    ASSERT_FALSE(moment) << text;
    EXPECT_EQ(moment.error().code, Errc::invalid);
    EXPECT_THAT(moment.error().message, HasSubstr("\"" + std::string(text) + "\" is no time"));
    EXPECT_THAT(moment.error().message, HasSubstr("yesterday"));
  }
}

TEST_F(JournalTime, WhatIsRenderedCanBeReadBack) {
  EXPECT_EQ(at(render_moment(kNow), 0), kNow);
}

}  // namespace
}  // namespace fief::cli
