// SPDX-License-Identifier: GPL-2.0-only
#include "backend/time_budget.hpp"

#include <gtest/gtest.h>

namespace fief {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimeBudget::Time kStart{};

class TimeBudgetTest : public testing::Test {
 protected:
  TimeBudget budget_{milliseconds{100}, 10};
};

TEST_F(TimeBudgetTest, SoMuchAtOnceAndThenAPartOfTheTime) {
  budget_.spend("a", milliseconds{99}, kStart);
  EXPECT_TRUE(budget_.may_spend("a", kStart));
  budget_.spend("a", milliseconds{1}, kStart);
  EXPECT_FALSE(budget_.may_spend("a", kStart));
  EXPECT_FALSE(budget_.may_spend("a", kStart - milliseconds{1}));
  EXPECT_TRUE(budget_.may_spend("a", kStart + milliseconds{1}));
  budget_.spend("a", milliseconds{10}, kStart + milliseconds{1});
  EXPECT_FALSE(budget_.may_spend("a", kStart + milliseconds{100}));
  EXPECT_TRUE(budget_.may_spend("a", kStart + milliseconds{101}));
}

TEST_F(TimeBudgetTest, OneClientCostsNoOther) {
  budget_.spend("a", seconds{10}, kStart);
  EXPECT_FALSE(budget_.may_spend("a", kStart));
  EXPECT_TRUE(budget_.may_spend("b", kStart));
}

TEST_F(TimeBudgetTest, NothingIsSavedUp) {
  budget_.spend("a", milliseconds{1}, kStart);
  budget_.spend("a", milliseconds{100}, kStart + seconds{3600});
  EXPECT_FALSE(budget_.may_spend("a", kStart + seconds{3600}));
}

TEST_F(TimeBudgetTest, WhatIsOwedGoesWithTheName) {
  budget_.spend("connection", milliseconds{60}, kStart);
  budget_.spend("user", milliseconds{60}, kStart);
  budget_.rename("connection", "user", kStart);
  EXPECT_FALSE(budget_.may_spend("user", kStart + milliseconds{199}));
  EXPECT_TRUE(budget_.may_spend("user", kStart + milliseconds{201}));
  EXPECT_TRUE(budget_.may_spend("connection", kStart));
  EXPECT_EQ(budget_.size(), 1U);
}

TEST_F(TimeBudgetTest, WhoOwesNothingIsForgotten) {
  for (int i = 0; i < 1000; ++i)
    budget_.spend(std::to_string(i), milliseconds{1}, kStart);
  budget_.spend("late", milliseconds{1}, kStart + milliseconds{10});
  EXPECT_EQ(budget_.size(), 1U);
}

}  // namespace
}  // namespace fief
