// SPDX-License-Identifier: GPL-2.0-only
#include "backend/holds.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fief {
namespace {

class HoldsTest : public testing::Test {
 protected:
  /// How many @p uid gets, kept.
  std::size_t take_all(uid_t uid) {
    std::size_t count = 0;
    for (auto hold = holds_.open(uid); hold; hold = holds_.open(uid), ++count)
      held_.push_back(std::move(hold->descriptor));
    return count;
  }

  boost::asio::io_context io_;
  std::vector<Holds::Id> ended_;
  Holds holds_{io_, [this](Holds::Id id) { ended_.push_back(id); }};
  std::vector<UniqueFd> held_;
};

TEST_F(HoldsTest, OneUserLeavesRoomForOthers) {
  EXPECT_EQ(take_all(1000), 32U);
  const auto refused = holds_.open(1000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "uid 1000 holds 32 boosts already");
  EXPECT_EQ(take_all(1001), 32U);
}

TEST_F(HoldsTest, UsersTogetherLeaveRoomForRoot) {
  std::size_t all = 0;
  for (uid_t uid = 1000; uid < 1100; ++uid)
    all += take_all(uid);
  EXPECT_EQ(all, 256U);
  EXPECT_EQ(take_all(0), 256U);
}

TEST_F(HoldsTest, WhatEndsGivesItsPlaceBack) {
  take_all(1000);
  held_.pop_back();
  io_.run_for(std::chrono::milliseconds{100});
  EXPECT_EQ(ended_, std::vector<Holds::Id>{32});
  EXPECT_TRUE(holds_.open(1000));
}

}  // namespace
}  // namespace fief
