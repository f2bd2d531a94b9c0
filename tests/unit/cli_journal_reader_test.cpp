// SPDX-License-Identifier: GPL-2.0-only
// What fiefd's own sink writes to a real journal is what the history reads from it.
#include "cli/journal/journal_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "core/fd.hpp"
#include "core/journal.hpp"
#include "core/message_ids.hpp"
#include "support/journald.hpp"
#include "temp_dir.hpp"

namespace fief::cli {
namespace {

using std::chrono::milliseconds;
using test::comes_true;
using test::Journald;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr uid_t kNobody = 65534;

/// Sends an entry of those lines, as @p user.
void send_as(const std::string& path, uid_t user, const std::string& lines) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
            0);
  const auto child = ::fork();
  if (child == 0)
    ::_exit(::setresuid(user, user, user) == 0 &&
                    ::send(socket.get(), lines.data(), lines.size(), 0) > 0
                ? 0
                : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

class JournalReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Journald::can_run())
      GTEST_SKIP() << "needs root and " << test::kJournald;
    journald_.emplace();
    ASSERT_TRUE(journald_->listens());
  }

  void log(std::string_view message_id, const std::string& text) {
    log::JournalSink(journald_->socket())
        .write({.level = log::Level::info,
                .message = text,
                .fields = {.message_id = message_id,
                           .cgroup = "/a",
                           .delegation = "db",
                           .scheduler = "fair",
                           .plan = 7,
                           .cause = "/a has joined",
                           .sender_uid = 1000,
                           .sender_pid = 12,
                           .subject = "a"}});
  }
  [[nodiscard]] std::vector<HistoryEntry> entries(const JournalRange& range = {},
                                                  std::size_t most = SIZE_MAX) const {
    std::vector<HistoryEntry> found;
    auto reader = JournalReader::open(journald_->logs());
    if (!reader)
      return found;
    EXPECT_TRUE(reader->read_back(range, [&](const HistoryEntry& entry) {
      found.push_back(entry);
      return found.size() < most;
    }));
    return found;
  }
  /// Newest first.
  [[nodiscard]] std::vector<std::string> texts(const JournalRange& range = {},
                                               std::size_t most = SIZE_MAX) const {
    std::vector<std::string> found;
    for (const auto& entry : entries(range, most))
      found.push_back(entry.text);
    return found;
  }
  [[nodiscard]] bool reaches(std::size_t count) const {
    return comes_true([&] { return entries().size() >= count; });
  }

  std::optional<Journald> journald_;
};

TEST_F(JournalReaderTest, ReadsWhatTheDaemonWrote) {
  log(message::kSchedulerAttached, "first");
  log(message::kPlanApplied, "second");
  ASSERT_TRUE(reaches(2));
  EXPECT_THAT(texts(), ElementsAre("second", "first"));
  EXPECT_THAT(texts({}, 1), ElementsAre("second"));
  const auto first = entries().back();
  const HistoryEntry expected{.time_usec = first.time_usec,
                              .boot = JournalReader::open(journald_->logs())->last_boot(),
                              .event = "attached",
                              .cgroup = "/a",
                              .delegation = "db",
                              .subject = "a",
                              .scheduler = "fair",
                              .plan = 7,
                              .cause = "/a has joined",
                              .requester = 1000,
                              .requester_pid = 12,
                              .text = "first"};
  EXPECT_EQ(first, expected);
}

TEST_F(JournalReaderTest, KeepsToTheRange) {
  for (const auto* text : {"1", "2", "3"})
    log(message::kSchedulerAttached, text);
  ASSERT_TRUE(reaches(3));
  const auto all = entries();
  const auto second = all.at(1).time_usec;
  EXPECT_THAT(texts({.since_usec = second, .until_usec = {}, .boot = {}}), ElementsAre("3", "2"));
  EXPECT_THAT(texts({.since_usec = second + 1, .until_usec = {}, .boot = {}}), ElementsAre("3"));
  EXPECT_THAT(texts({.since_usec = {}, .until_usec = second, .boot = {}}), ElementsAre("2", "1"));
  EXPECT_THAT(texts({.since_usec = {}, .until_usec = second - 1, .boot = {}}), ElementsAre("1"));
  EXPECT_THAT(texts({.since_usec = {}, .until_usec = {}, .boot = all.at(0).boot}),
              ElementsAre("3", "2", "1"));
  EXPECT_THAT(texts({.since_usec = {}, .until_usec = {}, .boot = std::string(32, '0')}),
              ElementsAre());
}

TEST_F(JournalReaderTest, TakesNobodyElsesWord) {
  const auto id = "\nMESSAGE_ID=" + std::string(message::kRunning) + "\n";
  send_as(journald_->socket(), kNobody, "MESSAGE=forged\nSYSLOG_IDENTIFIER=fiefd" + id);
  send_as(journald_->socket(), 0, "MESSAGE=another's\nSYSLOG_IDENTIFIER=other" + id);
  send_as(journald_->socket(), 0, "MESSAGE=chatter\nSYSLOG_IDENTIFIER=fiefd\n");
  send_as(journald_->socket(), 0,
          "MESSAGE=not from the service manager\nUNIT=fiefd.service\nMESSAGE_ID=" +
              std::string(kUnitProcessFailed) + "\n");
  log(message::kRunning, "true");
  ASSERT_TRUE(reaches(1));
  EXPECT_THAT(texts(), ElementsAre("true"));
}

TEST_F(JournalReaderTest, FollowsWhatComesLater) {
  log(message::kRunning, "before");
  ASSERT_TRUE(reaches(1));
  auto reader = JournalReader::open(journald_->logs());
  ASSERT_TRUE(reader);
  ASSERT_TRUE(reader->read_back({}, [](const HistoryEntry& /*entry*/) { return true; }));
  log(message::kPlanApplied, "meanwhile");
  const std::jthread later([this] {
    std::this_thread::sleep_for(milliseconds{300});
    log(message::kStopped, "later");
  });
  std::vector<std::string> heard;
  ASSERT_TRUE(reader->follow([&heard](const HistoryEntry& entry) {
    heard.push_back(entry.text);
    return heard.size() < 2;
  }));
  EXPECT_THAT(heard, ElementsAre("meanwhile", "later"));
}

TEST(JournalReader, SaysThatThereIsNone) {
  const test::TempDir empty;
  const auto none = JournalReader::open(empty.path());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
  EXPECT_THAT(none.error().message, HasSubstr(empty.path().string()));
  EXPECT_FALSE(JournalReader::open(empty.path() / "absent"));
}

TEST(JournalReader, SaysWhoMayRead) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "needs root, to become somebody who may not";
  ASSERT_EQ(::seteuid(kNobody), 0);
  const auto refused = JournalReader::open({});
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_THAT(refused.error().message, HasSubstr("systemd-journal"));
}

}  // namespace
}  // namespace fief::cli
