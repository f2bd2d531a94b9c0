// SPDX-License-Identifier: GPL-2.0-only
// A log that takes nothing: nobody waits for it, memory stays bounded, and what is lost is told.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/background_sink.hpp"
#include "core/fd.hpp"
#include "core/journal.hpp"
#include "core/message_ids.hpp"
#include "support/resources.hpp"
#include "temp_dir.hpp"

namespace fief::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int kMany = 20'000;

/// The socket that journald would read, in the hands of the test.
class Journal {
 public:
  explicit Journal(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
  }

  /// The next entry, as it was sent; "" if none comes within @p patience.
  [[nodiscard]] std::string next(milliseconds patience = seconds{2}) const {
    pollfd wait{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, static_cast<int>(patience.count())) != 1)
      return {};
    std::string entry(std::size_t{256} * 1024, '\0');
    iovec part{.iov_base = entry.data(), .iov_len = entry.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    entry.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    if (const auto* header = CMSG_FIRSTHDR(&message); header != nullptr) {
      int raw = -1;
      std::memcpy(&raw, CMSG_DATA(header), sizeof(raw));
      const UniqueFd memory(raw);
      return read_all(memory.get(), std::size_t{16} * 1024 * 1024).value_or("unreadable");
    }
    return entry;
  }

 private:
  UniqueFd socket_;
};

std::string message_of(const std::string& entry) {
  constexpr std::string_view kName = "MESSAGE=";
  return entry.starts_with(kName) ? entry.substr(kName.size(), entry.find('\n') - kName.size())
                                  : entry;
}

bool is_about_loss(const std::string& entry) {
  return entry.find(message::kLogLost) != std::string::npos;
}

int count_in(const std::string& entry) {
  const auto text = message_of(entry);
  int count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

Record line(const std::string& text) {
  return {.level = Level::info, .message = text, .fields = {}};
}

class BackgroundLog : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return (directory_.path() / "journal").string(); }
  [[nodiscard]] std::unique_ptr<BackgroundSink> open(BackgroundSink::Limits limits = {}) const {
    return std::make_unique<BackgroundSink>(std::make_unique<JournalSink>(path()), limits);
  }

 private:
  test::TempDir directory_;
};

TEST_F(BackgroundLog, JournalThatNeverReadsHoldsNobodyUp) {
  const Journal journal(path());
  const auto sink = open();
  const auto allocated = test::allocated_bytes();
  const auto start = steady_clock::now();
  for (int i = 0; i < kMany; ++i)
    sink->write(line(fmt::format("line {} {}", i, std::string(300, '.'))));
  EXPECT_LT(steady_clock::now() - start, seconds{5});
  EXPECT_LT(test::allocated_bytes(), allocated + std::size_t{2} * 1024 * 1024);
}

TEST_F(BackgroundLog, SaysOnceHowMuchWasLost) {
  const Journal journal(path());
  const auto sink = open();
  for (int i = 0; i < kMany; ++i)
    sink->write(line(fmt::format("line {}", i)));
  std::vector<int> losses;
  int arrived = 0;
  std::string last;
  for (auto entry = journal.next(); !entry.empty(); entry = journal.next(milliseconds{300})) {
    if (is_about_loss(entry)) {
      losses.push_back(count_in(entry));
      EXPECT_THAT(entry, HasSubstr("PRIORITY=4\n"));
      continue;
    }
    ++arrived;
    last = message_of(entry);
  }
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_GT(losses[0], 0);
  EXPECT_EQ(arrived + losses[0], kMany);
  EXPECT_EQ(last, fmt::format("line {}", kMany - 1));
  sink->write(line("well again"));
  EXPECT_EQ(message_of(journal.next()), "well again");
}

TEST_F(BackgroundLog, ManyThreadsMayWrite) {
  const Journal journal(path());
  set_sink(open());
  constexpr int kEach = 10;
  std::vector<std::thread> writers;
  writers.reserve(2);
  for (int writer = 0; writer < 2; ++writer)
    writers.emplace_back([writer] {
      for (int i = 0; i < kEach; ++i)
        info({.scheduler = fmt::format("writer{}", writer)}, "line {}", i);
    });
  for (auto& writer : writers)
    writer.join();
  std::vector<int> next_of(2, 0);
  for (int i = 0; i < 2 * kEach; ++i) {
    const auto entry = journal.next();
    const bool second = entry.find("FIEF_SCHEDULER=writer1") != std::string::npos;
    EXPECT_EQ(message_of(entry), fmt::format("line {}", next_of[second ? 1 : 0]++));
  }
  EXPECT_THAT(next_of, ElementsAre(kEach, kEach));
  set_sink(default_sink());
}

TEST_F(BackgroundLog, LastLinesAreWrittenAtTheEnd) {
  const Journal journal(path());
  open()->write(line("the end"));
  EXPECT_EQ(message_of(journal.next(milliseconds{0})), "the end");
}

TEST_F(BackgroundLog, EndWaitsForADeafJournalOnlySoLong) {
  const Journal journal(path());
  auto sink = open({.bytes = 1000, .farewell = milliseconds{100}});
  for (int i = 0; i < kMany; ++i)
    sink->write(line("nobody reads this"));
  const auto start = steady_clock::now();
  sink.reset();
  EXPECT_LT(steady_clock::now() - start, seconds{1});
  while (!journal.next(milliseconds{600}).empty()) {
  }
}

TEST_F(BackgroundLog, JournalThatIsAwayIsWaitedFor) {
  const auto sink = open();
  sink->write(line("while it was away"));
  std::this_thread::sleep_for(milliseconds{50});
  const Journal journal(path());
  EXPECT_EQ(message_of(journal.next()), "while it was away");
}

TEST_F(BackgroundLog, AnErrorsOriginIsAPlaceInTheTree) {
  const Journal journal(path());
  const auto sink = open({});
  sink->write({.level = Level::warning,
               .message = "no",
               .fields = {.origin = parse_level("loud").error().origin}});
  EXPECT_THAT(journal.next(), HasSubstr("\nCODE_FILE=daemon/core/log.cpp\nCODE_LINE="));
}

TEST_F(BackgroundLog, FieldsAndDumpsArriveWhole) {
  const Journal journal(path());
  const auto sink = open({.bytes = std::size_t{4} * 1024 * 1024});
  const std::string dump = "first line\n" + std::string(std::size_t{1024} * 1024, 'x');
  sink->write({.level = Level::error,
               .message = "it ended",
               .fields = {.cgroup = "/a", .cgroup_id = CgroupId{7}, .exit_kind = 3, .dump = dump}});
  const auto entry = journal.next();
  EXPECT_THAT(entry, HasSubstr("MESSAGE=it ended\nPRIORITY=3\nSYSLOG_IDENTIFIER=fiefd\n"
                               "FIEF_CGROUP=/a\nFIEF_CGROUP_ID=7\nFIEF_EXIT_KIND=3\n"));
  const auto at = entry.find("FIEF_DUMP\n");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(entry.substr(at + 10 + 8), dump + "\n");
}

}  // namespace
}  // namespace fief::log
