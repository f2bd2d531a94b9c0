// SPDX-License-Identifier: GPL-2.0-only
// What the service manager hears, also when it does not listen for a while.
#include "app/notifier.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "temp_dir.hpp"

namespace fief {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

class NotifierTest : public testing::Test {
 public:
  ~NotifierTest() override { ::unsetenv("NOTIFY_SOCKET"); }

 protected:
  NotifierTest() : manager_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const auto path = (directory_.path() / "notify").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(manager_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }

  /// Everything that the manager was sent and has not read yet.
  [[nodiscard]] std::vector<std::string> heard() const {
    std::vector<std::string> messages;
    std::array<char, 4096> buffer{};
    for (auto got = read(buffer); got >= 0; got = read(buffer))
      messages.emplace_back(buffer.data(), static_cast<std::size_t>(got));
    return messages;
  }

  boost::asio::io_context io_;

 private:
  [[nodiscard]] ssize_t read(std::array<char, 4096>& buffer) const {
    return ::recv(manager_.get(), buffer.data(), buffer.size(), 0);
  }

  test::TempDir directory_;
  UniqueFd manager_;
};

TEST_F(NotifierTest, TellsAtOnce) {
  Notifier notifier(io_);
  notifier.ready("running");
  notifier.keep_alive();
  EXPECT_THAT(heard(), ElementsAre("READY=1\nSTATUS=running\n", "WATCHDOG=1\n"));
}

TEST_F(NotifierTest, ManagerThatDoesNotListenHoldsNobodyUp) {
  Notifier notifier(io_);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i)
    notifier.status(fmt::format("step {}", i));
  notifier.ready("running");
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds{1});
  static_cast<void>(heard());
  io_.run_for(seconds{5});
  EXPECT_THAT(heard(), ElementsAre("READY=1\nSTATUS=running\n"));
}

TEST_F(NotifierTest, ReloadThatIsOverIsNotToldAsUnderWay) {
  Notifier notifier(io_);
  for (int i = 0; i < 1000; ++i)
    notifier.keep_alive();
  notifier.reloading();
  notifier.ready("the policy was reloaded");
  static_cast<void>(heard());
  notifier.keep_alive();
  const auto messages = heard();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_THAT(messages[0], testing::HasSubstr("READY=1\nSTATUS=the policy was reloaded\n"));
  EXPECT_THAT(messages[0], testing::Not(testing::HasSubstr("RELOADING")));
}

TEST(NotifierAlone, DoesNothing) {
  boost::asio::io_context io;
  Notifier(io).ready("running");
  EXPECT_EQ(io.run(), 0U);
}

}  // namespace
}  // namespace fief
