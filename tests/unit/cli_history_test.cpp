// SPDX-License-Identifier: GPL-2.0-only
// Entries of a history from the journal's fields, and whom they are about.
#include "cli/text/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "core/message_ids.hpp"

namespace fief::cli {
namespace {

HistoryEntry about_cgroup(const std::string& cgroup, const std::string& delegation = {}) {
  return {.event = "attached", .cgroup = cgroup, .delegation = delegation};
}

HistoryEntry request_of(const std::string& subject) {
  return {.event = "request", .subject = subject};
}

TEST(HistoryEntry, TakesWhatTheFieldsSay) {
  const auto entry = entry_of(5, "b007",
                              {{"MESSAGE_ID", std::string(message::kRequested)},
                               {"MESSAGE", ":1.4 (uid 1000, pid 7) asks to set weight=500 of db"},
                               {"FIEF_SUBJECT", "db"},
                               {"FIEF_SENDER_UID", "1000"},
                               {"FIEF_SENDER_PID", "7"}});
  const HistoryEntry expected{.time_usec = 5,
                              .boot = "b007",
                              .event = "request",
                              .subject = "db",
                              .requester = 1000,
                              .requester_pid = 7,
                              .text = ":1.4 (uid 1000, pid 7) asks to set weight=500 of db"};
  EXPECT_EQ(entry, expected);
}

TEST(HistoryEntry, KnowsPlansAndTheirCauses) {
  const auto entry = entry_of(5, "b007",
                              {{"MESSAGE_ID", std::string(message::kPlanApplied)},
                               {"FIEF_PLAN", "18446744073709551615"},
                               {"FIEF_CAUSE", "/a has joined"},
                               {"FIEF_CGROUP", "/a"},
                               {"FIEF_SCHEDULER", "fair"},
                               {"FIEF_DELEGATION", "db"}});
  EXPECT_EQ(entry.event, "plan");
  EXPECT_EQ(entry.plan, UINT64_MAX);
  EXPECT_EQ(entry.cause, "/a has joined");
  EXPECT_EQ(entry.cgroup, "/a");
  EXPECT_EQ(entry.scheduler, "fair");
  EXPECT_EQ(entry.delegation, "db");
}

TEST(HistoryEntry, LeavesOutWhatIsNoNumber) {
  for (const auto* number : {"", "-1", "7x", "99999999999999999999"}) {
    const auto entry = entry_of(5, "", {{"FIEF_PLAN", number}, {"FIEF_SENDER_UID", number}});
    EXPECT_EQ(entry.plan, std::nullopt) << number;
    EXPECT_EQ(entry.requester, std::nullopt) << number;
    EXPECT_EQ(entry.event, "");
  }
}

TEST(HistoryEvents, EveryMessageHasOneOfItsOwn) {
  std::ifstream file(FIEF_SOURCE_DIR "/daemon/core/message_ids.hpp");
  const std::string source{std::istreambuf_iterator<char>(file), {}};
  std::set<std::string_view> names;
  std::size_t ours = 0;
  for (const auto& event : history_events()) {
    EXPECT_TRUE(names.insert(event.name).second) << event.name << " is there twice";
    if (event.message_id == kUnitProcessFailed)
      continue;
    ++ours;
    EXPECT_NE(source.find(event.message_id), std::string::npos) << event.name;
  }
  std::size_t declared = 0;
  for (auto at = source.find("string_view k"); at != std::string::npos;
       at = source.find("string_view k", at + 1))
    ++declared;
  EXPECT_EQ(ours, declared);
}

TEST(HistorySubject, IsAPathOrItsLastPart) {
  for (const auto* name : {"/demo.slice/db.service", "db.service"}) {
    const HistorySubject subject(name);
    EXPECT_TRUE(subject.is_about(about_cgroup("/demo.slice/db.service"))) << name;
    EXPECT_TRUE(subject.is_about(request_of("db.service"))) << name;
    EXPECT_TRUE(subject.is_about(request_of("/demo.slice/db.service"))) << name;
    EXPECT_FALSE(subject.is_about(about_cgroup("/demo.slice/other-db.service"))) << name;
    EXPECT_FALSE(subject.is_about(about_cgroup("/demo.slice"))) << name;
    EXPECT_FALSE(subject.is_about(request_of(""))) << name;
    EXPECT_FALSE(subject.is_about(HistoryEntry{})) << name;
  }
}

TEST(HistorySubject, IsLearntByItsOtherNames) {
  HistorySubject by_name("db");
  EXPECT_FALSE(by_name.is_about(about_cgroup("/s/db.service")));
  by_name.learn(about_cgroup("/s/other.service", "other"));
  EXPECT_FALSE(by_name.has_occurred());
  by_name.learn(about_cgroup("/s/db.service", "db"));
  EXPECT_TRUE(by_name.has_occurred());
  EXPECT_TRUE(by_name.is_about(about_cgroup("/s/db.service")));
  EXPECT_TRUE(by_name.is_about(request_of("db.service")));
  EXPECT_FALSE(by_name.is_about(about_cgroup("/s/other.service", "other")));

  HistorySubject by_path("/s/db.service");
  EXPECT_FALSE(by_path.is_about(request_of("db")));
  by_path.learn(about_cgroup("/s/db.service", "db"));
  EXPECT_TRUE(by_path.is_about(request_of("db")));
}

TEST(HistorySubject, APatternsOtherCgroupsAreOthers) {
  HistorySubject subject("/s/a.service");
  subject.learn(about_cgroup("/s/a.service", "workers"));
  subject.learn(about_cgroup("/s/b.service", "workers"));
  EXPECT_TRUE(subject.is_about(request_of("workers")));
  EXPECT_FALSE(subject.is_about(about_cgroup("/s/b.service", "workers")));
}

}  // namespace
}  // namespace fief::cli
