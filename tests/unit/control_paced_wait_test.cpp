// SPDX-License-Identifier: GPL-2.0-only
#include "control/turn/triggers.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <thread>

#include "core/fd.hpp"

namespace fief {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// The descriptor is readable all the time, since nobody takes what it holds.
class PacedWaitTest : public testing::Test {
 protected:
  void run_until_looks(int count) {
    const auto end = steady_clock::now() + seconds{10};
    while (looks_ < count && steady_clock::now() < end)
      io_.run_one_for(milliseconds{50});
  }

  boost::asio::io_context io_;
  UniqueFd readable_{::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)};
  int looks_ = 0;
  PacedWait::Pause pause_{};
  PacedWait wait_{io_, [this] {
                    ++looks_;
                    return pause_;
                  }};
};

TEST_F(PacedWaitTest, LooksAgainAtOnceWithoutAPause) {
  wait_.start(readable_.get());
  run_until_looks(100);
  EXPECT_EQ(looks_, 100);
}

TEST_F(PacedWaitTest, LookingTakesAPartOfTheTime) {
  int looks = 0;
  PacedWait wait(
      io_,
      [&looks] {
        ++looks;
        std::this_thread::sleep_for(milliseconds{2});
        return PacedWait::Pause{};
      },
      TimeAccount{milliseconds{20}, 4});
  wait.start(readable_.get());
  io_.run_for(milliseconds{400});
  EXPECT_LE(looks * milliseconds{2}, milliseconds{20 + 400 / 4 + 2});
  EXPECT_GT(looks, 10);
}

// Not even the loop turns meanwhile.
TEST_F(PacedWaitTest, NothingRunsDuringAPause) {
  pause_ = seconds{3600};
  wait_.start(readable_.get());
  run_until_looks(1);
  EXPECT_EQ(io_.run_for(milliseconds{50}), 0U);
  EXPECT_EQ(looks_, 1);
}

TEST_F(PacedWaitTest, LooksAgainAfterAPause) {
  pause_ = milliseconds{20};
  const auto start = steady_clock::now();
  wait_.start(readable_.get());
  run_until_looks(3);
  EXPECT_EQ(looks_, 3);
  EXPECT_GE(steady_clock::now(), start + 2 * pause_);
}

TEST_F(PacedWaitTest, StopsForGoodAndLeavesTheDescriptorOpen) {
  wait_.start(readable_.get());
  wait_.stop();
  io_.run();
  EXPECT_EQ(looks_, 0);
  std::uint64_t held = 0;
  EXPECT_EQ(::read(readable_.get(), &held, sizeof(held)), static_cast<ssize_t>(sizeof(held)));
}

TEST_F(PacedWaitTest, CanBeStoppedByWhoeverLooks) {
  PacedWait wait(io_, [this, &wait] {
    ++looks_;
    wait.stop();
    return PacedWait::Pause{};
  });
  wait.start(readable_.get());
  io_.run();
  EXPECT_EQ(looks_, 1);
}

}  // namespace
}  // namespace fief
