// SPDX-License-Identifier: GPL-2.0-only
// What fiefctl history prints, held to files that people have looked at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "cli/text/render_history.hpp"
#include "support/golden.hpp"

namespace fief::test {
namespace {

using cli::HistoryEntry;

constexpr cli::Style kTerminal{.colour = true, .utf8 = true, .width = 100};
constexpr cli::Style kUtf8{.colour = false, .utf8 = true, .width = 100};

constexpr char kBoot[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kNextBoot[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

// An evening of a machine with one service.
std::vector<HistoryEntry> evening() {
  const std::uint64_t start = 1'795'804'205'000'000;
  std::vector<HistoryEntry> entries{
      {.event = "root-loaded", .scheduler = "root", .text = "the root scheduler is loaded"},
      {.event = "attached",
       .cgroup = "/demo.slice/db.service",
       .delegation = "db",
       .scheduler = "latency",
       .text = "the scheduler latency is attached to /demo.slice/db.service"},
      {.event = "plan",
       .cgroup = "/demo.slice/db.service",
       .plan = 2,
       .cause = "/demo.slice/db.service has joined",
       .text = "plan 2 is in force: 3 grant operations; /demo.slice/db.service has joined"},
      {.event = "request",
       .subject = "db",
       .requester = 1000,
       .requester_pid = 812,
       .text = ":1.42 (uid 1000, pid 812) asks to set weight=0 of db"},
      {.event = "request-refused",
       .subject = "db",
       .requester = 1000,
       .requester_pid = 812,
       .text = "could not set weight=0 of db: weight must be between 1 and 10000"},
      {.event = "quarantined",
       .cgroup = "/demo.slice/db.service",
       .scheduler = "latency",
       .text = "/demo.slice/db.service is left without a scheduler of its own: it stalled"},
      {.event = "stopped", .text = "fiefd has left: every task is on the kernel's own scheduler"}};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].time_usec = start + i * 61'000'000;
    entries[i].boot = i < 5 ? kBoot : kNextBoot;
  }
  return entries;
}

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    ::setenv("TZ", "UTC0", 1);
    ::tzset();
  }
};

TEST_F(HistoryTest, Text) {
  expect_golden("history.txt", cli::render_history(evening(), kUtf8));
  expect_golden("history-colour.txt", cli::render_history(evening(), kTerminal));
}

TEST_F(HistoryTest, Json) {
  expect_golden("history.json", json::to_text(cli::to_json(evening()), 2) + '\n');
}

TEST_F(HistoryTest, FollowedLinesAreThoseOfTheTable) {
  const auto entries = evening();
  const auto text = cli::render_history({entries[0], entries[1]}, kUtf8);
  EXPECT_EQ(text, cli::render_history_heading(kUtf8) + cli::render_entry(entries[0], kUtf8) +
                      cli::render_entry(entries[1], kUtf8));
}

TEST_F(HistoryTest, NobodysWordsLeaveTheirLine) {
  const HistoryEntry entry{.event = "request", .text = "a\nb\tc\x1b[2Jd\x7f\xc2\x9bk\xff\xc3\xa4"};
  const auto line = cli::render_entry(entry, kUtf8);
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
  EXPECT_NE(line.find("a b c"), std::string::npos);
  EXPECT_NE(line.find("\xc3\xa4"), std::string::npos);
}

TEST_F(HistoryTest, NothingIsAnEmptyList) {
  EXPECT_EQ(json::to_text(cli::to_json(std::vector<HistoryEntry>{})),
            R"({"schema":1,"entries":[]})");
}

}  // namespace
}  // namespace fief::test
