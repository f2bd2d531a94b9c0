// SPDX-License-Identifier: GPL-2.0-only
#include "control/turn/triggers.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <thread>

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

// Each turn takes 2 ms, and somebody asks all the time.
class Storm : public testing::Test {
 protected:
  void ask_again() {
    trigger_.ask_for_others();
    if (steady_clock::now() < end_)
      boost::asio::post(io_, [this] { ask_again(); });
  }

  static constexpr milliseconds kTurn{2};
  static constexpr milliseconds kLength{400};
  boost::asio::io_context io_;
  int turns_ = 0;
  steady_clock::time_point end_ = steady_clock::now() + kLength;
  TurnTrigger trigger_{io_,
                       [this] {
                         ++turns_;
                         std::this_thread::sleep_for(kTurn);
                       },
                       TimeAccount{milliseconds{20}, 4}};
};

TEST_F(Storm, OfOthersHasAPartOfTheTime) {
  ask_again();
  io_.run_until(end_);
  EXPECT_LE(turns_ * kTurn, milliseconds{20} + kLength / 4 + kTurn);
  EXPECT_GT(turns_, 10);
}

TEST_F(Storm, EndsInATurn) {
  ask_again();
  io_.run_until(end_);
  const int before = turns_;
  trigger_.ask_for_others();
  io_.run_for(seconds{10});
  EXPECT_EQ(turns_, before + 1);
}

TEST_F(Storm, HoldsNobodyUpWhoIsOwedATurn) {
  ask_again();
  io_.run_until(end_);
  const int before = turns_;
  trigger_.ask();
  io_.poll();
  EXPECT_EQ(turns_, before + 1);
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
