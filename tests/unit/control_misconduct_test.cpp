// SPDX-License-Identifier: GPL-2.0-only
// How often a scheduler is refused, from counts that are looked at now and then.
#include <gtest/gtest.h>

#include "control/schedulers/supervision.hpp"

namespace fief::test {
namespace {

using std::chrono::seconds;

constexpr CgroupId kA{1};
constexpr CgroupId kB{2};
constexpr Misconduct::Time kStart{};

TEST(Misconduct, NothingIsKnownAtTheFirstLook) {
  Misconduct misconduct;
  EXPECT_FALSE(misconduct.next_look());
  EXPECT_TRUE(misconduct.is_due(kA, kStart));
  EXPECT_FALSE(misconduct.look(kA, 1'000'000, kStart));
  EXPECT_FALSE(misconduct.is_due(kA, kStart + seconds(4)));
  EXPECT_TRUE(misconduct.is_due(kA, kStart + seconds(5)));
}

TEST(Misconduct, TheRateIsThatSinceTheLastLook) {
  Misconduct misconduct;
  misconduct.look(kA, 100, kStart);
  EXPECT_DOUBLE_EQ(*misconduct.look(kA, 200, kStart + seconds(5)), 20);
  EXPECT_DOUBLE_EQ(*misconduct.look(kA, 200, kStart + seconds(15)), 0);
}

TEST(Misconduct, ACountThatBeganAnewIsAFirstLook) {
  Misconduct misconduct;
  misconduct.look(kA, 1000, kStart);
  EXPECT_FALSE(misconduct.look(kA, 500, kStart + seconds(5)));
  EXPECT_DOUBLE_EQ(*misconduct.look(kA, 550, kStart + seconds(10)), 10);
}

TEST(Misconduct, TheNextLookIsAtWhoWasLookedAtFirst) {
  Misconduct misconduct;
  misconduct.look(kA, 0, kStart);
  misconduct.look(kB, 0, kStart + seconds(1));
  EXPECT_EQ(misconduct.next_look(), kStart + Misconduct::kInterval);
  misconduct.retain({kB});
  EXPECT_EQ(misconduct.next_look(), kStart + seconds(1) + Misconduct::kInterval);
}

}  // namespace
}  // namespace fief::test
