// SPDX-License-Identifier: GPL-2.0-only
#include "control/turn_trigger.hpp"

#include <gtest/gtest.h>

namespace fief {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class TurnTriggerTest : public testing::Test {
 protected:
  boost::asio::io_context io_;
  int turns_ = 0;
  TurnTrigger trigger_{io_, [this] { ++turns_; }};
};

TEST_F(TurnTriggerTest, HoweverManyAskOneTurnFollows) {
  for (int i = 0; i < 1000; ++i)
    trigger_.ask();
  EXPECT_EQ(turns_, 0);
  io_.run();
  EXPECT_EQ(turns_, 1);
}

TEST_F(TurnTriggerTest, WhatIsAskedInATurnIsForTheNext) {
  int turns = 0;
  TurnTrigger trigger(io_, [&turns, &trigger] {
    if (++turns == 1)
      trigger.ask();
  });
  trigger.ask();
  io_.run();
  EXPECT_EQ(turns, 2);
}

TEST_F(TurnTriggerTest, TheLastDeadlineCounts) {
  const auto start = steady_clock::now();
  trigger_.arm(start + seconds{3600});
  trigger_.arm(start + milliseconds{10});
  io_.run();
  EXPECT_EQ(turns_, 1);
  EXPECT_GE(steady_clock::now(), start + milliseconds{10});
  EXPECT_LT(steady_clock::now(), start + seconds{60});
}

TEST_F(TurnTriggerTest, NothingFollowsWithoutADeadline) {
  trigger_.arm(steady_clock::now());
  trigger_.arm(std::nullopt);
  trigger_.arm(steady_clock::now());
  trigger_.disarm();
  io_.run();
  EXPECT_EQ(turns_, 0);
}

}  // namespace
}  // namespace fief
