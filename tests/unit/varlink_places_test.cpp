// SPDX-License-Identifier: GPL-2.0-only
#include "varlink/places.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fief::varlink {
namespace {

using std::chrono::seconds;

constexpr std::chrono::steady_clock::time_point kStart{};

std::vector<Place> taken(uid_t first, int users, int each, bool idle) {
  std::vector<Place> places;
  places.reserve(static_cast<std::size_t>(users) * static_cast<std::size_t>(each));
  for (int i = 0; i < users * each; ++i)
    places.push_back({first + static_cast<uid_t>(i / each), kStart + seconds{i}, idle});
  return places;
}

TEST(Places, ThereIsRoom) {
  const auto admittance = admit(taken(1000, 1, 15, true), 1000);
  EXPECT_TRUE(admittance.admitted);
  EXPECT_FALSE(admittance.leaves);
}

TEST(Places, WhoHasAllOfTheirOwnGivesAnIdleOne) {
  auto places = taken(1000, 1, 16, true);
  places[0].idle = false;
  EXPECT_EQ(admit(places, 1000).leaves, 1U);
  for (auto& place : places)
    place.idle = false;
  EXPECT_FALSE(admit(places, 1000).admitted);
}

TEST(Places, WhoHasMostMakesRoomForWhoeverHasLess) {
  EXPECT_EQ(admit(taken(1000, 4, 16, true), 2000).leaves, 0U);
  auto places = taken(1000, 4, 16, false);
  EXPECT_TRUE(admit(places, 2000).admitted);
  places[5].idle = true;
  EXPECT_EQ(admit(places, 2000).leaves, 5U);
}

TEST(Places, WhoHasFewKeepsThem) {
  auto places = taken(1000, 1, 1, true);
  for (const auto& place : taken(2000, 4, 16, true))
    places.push_back(place);
  places.resize(64);
  const auto leaves = admit(places, 3000).leaves;
  ASSERT_TRUE(leaves);
  EXPECT_NE(places[*leaves].uid, 1000U);
}

TEST(Places, WhoHasMostGetsNoMore) {
  auto places = taken(1000, 8, 8, false);
  EXPECT_FALSE(admit(places, 1000).admitted);
  places[3].idle = true;
  EXPECT_EQ(admit(places, 1000).leaves, 3U);
}

}  // namespace
}  // namespace fief::varlink
