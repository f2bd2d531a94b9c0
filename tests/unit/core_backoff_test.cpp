// SPDX-License-Identifier: GPL-2.0-only
#include "core/backoff.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fief {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesUpToItsLimitAndStartsAnew) {
  Backoff backoff(milliseconds{250}, milliseconds{1500});
  for (const auto delay : {250, 500, 1000, 1500, 1500})
    EXPECT_EQ(backoff.next(), milliseconds{delay});
  backoff.reset();
  EXPECT_EQ(backoff.next(), milliseconds{250});
}

TEST(Backoff, KnowsTheDelayAfterAnyNumberOfFailures) {
  constexpr Backoff backoff(milliseconds{1000}, milliseconds{60000});
  EXPECT_EQ(backoff.after(1), milliseconds{1000});
  EXPECT_EQ(backoff.after(6), milliseconds{32000});
  EXPECT_EQ(backoff.after(7), milliseconds{60000});
  EXPECT_EQ(backoff.after(std::numeric_limits<std::size_t>::max()), milliseconds{60000});
}

TEST(Backoff, IsNeverLongerThanItsLimit) {
  EXPECT_EQ(Backoff(milliseconds{100}, milliseconds{20}).next(), milliseconds{20});
}

TEST(Jitter, TakesUpToAQuarterAway) {
  EXPECT_EQ(jittered(milliseconds{1000}, 0.0), milliseconds{1000});
  EXPECT_EQ(jittered(milliseconds{1000}, 0.5), milliseconds{875});
  EXPECT_EQ(jittered(milliseconds{1000}, 1.0), milliseconds{750});
}

}  // namespace
}  // namespace fief
