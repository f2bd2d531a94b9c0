// SPDX-License-Identifier: GPL-2.0-only
// fiefctl history as a process, over a real journal: what it finds, what it refuses, how it exits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include "core/journal.hpp"
#include "core/message_ids.hpp"
#include "support/journald.hpp"

namespace fief::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Outcome {
  int status = -1;
  std::string said;  ///< on both outputs
};

class HistoryCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Journald::can_run())
      GTEST_SKIP() << "needs root and " << kJournald;
    journald_.emplace();
    ASSERT_TRUE(journald_->listens());
    log({.message_id = message::kSchedulerAttached, .cgroup = "/s/a.service", .delegation = "web"},
        "a is attached");
    log({.message_id = message::kRequested, .sender_uid = 1000, .subject = "web"}, "asks for it");
    log({.message_id = message::kQuarantined, .cgroup = "/s/b.service"}, "b is left out");
    ASSERT_TRUE(
        comes_true([this] { return history("").said.find("b is left out") != std::string::npos; }));
  }

  void log(log::Fields fields, const std::string& text) {
    log::JournalSink(journald_->socket())
        .write({.level = log::Level::info, .message = text, .fields = std::move(fields)});
  }
  [[nodiscard]] Outcome history(const std::string& arguments) const {
    const auto command = std::string(FIEF_FIEFCTL) + " history --directory " + journald_->logs() +
                         " " + arguments + " 2>&1";
    Outcome outcome;
    auto* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr)
      return outcome;
    std::array<char, 4096> part{};
    while (const auto size = std::fread(part.data(), 1, part.size(), pipe))
      outcome.said.append(part.data(), size);
    const int status = ::pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
  }

  std::optional<Journald> journald_;
};

TEST_F(HistoryCommand, ShowsASubjectByAnyOfItsNames) {
  for (const auto* subject : {"web", "a.service", "/s/a.service"}) {
    const auto shown = history(subject);
    EXPECT_EQ(shown.status, 0);
    EXPECT_THAT(shown.said, AllOf(HasSubstr("a is attached"), HasSubstr("asks for it"),
                                  Not(HasSubstr("b is left out"))))
        << subject;
  }
  EXPECT_THAT(history("a.service b.service").said,
              AllOf(HasSubstr("a is attached"), HasSubstr("b is left out")));
}

TEST_F(HistoryCommand, TheNewestLinesAreThoseThatAreKept) {
  EXPECT_THAT(history("--lines 2").said, AllOf(HasSubstr("asks for it"), HasSubstr("b is left out"),
                                               Not(HasSubstr("a is attached"))));
  EXPECT_THAT(history("web -n1").said,
              AllOf(HasSubstr("asks for it"), Not(HasSubstr("a is attached"))));
}

TEST_F(HistoryCommand, NothingInThatTimeIsNoFailure) {
  const auto none = history("--until yesterday web");
  EXPECT_EQ(none.status, 0);
  EXPECT_THAT(none.said, HasSubstr("no entry"));
  EXPECT_THAT(history("--until yesterday --json").said, HasSubstr("\"entries\": []"));
  EXPECT_THAT(history("--since -1h --boot").said, HasSubstr("a is attached"));
}

TEST_F(HistoryCommand, ASubjectThatNeverOccursIsAFailure) {
  const auto unknown = history("web nobody");
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.said,
              AllOf(HasSubstr("nothing about \"nobody\""), Not(HasSubstr("a is attached"))));
}

TEST_F(HistoryCommand, BadTimesAreRefused) {
  EXPECT_EQ(history("--since soon").status, 2);
  EXPECT_THAT(history("--since soon").said, HasSubstr("--since: \"soon\" is no time"));
  EXPECT_EQ(history("--since today --until yesterday").status, 2);
  EXPECT_EQ(history("--follow --until now").status, 2);
}

}  // namespace
}  // namespace fief::test
