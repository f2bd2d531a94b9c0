// SPDX-License-Identifier: GPL-2.0-only
// Landing CPUs: which of its own CPUs a delegation does not lend.
#include <gtest/gtest.h>

#include "plan/explain.hpp"
#include "plan/plan.hpp"
#include "support/world.hpp"

namespace fief {
namespace {

using test::World;

class Landing : public ::testing::Test {
 protected:
  const ParticipantPlan& planned(CgroupId id) { return *world_.plan().levels[0].find(id); }

  // 8 CPUs: a and the rest of the machine have 4 each.
  World world_{"1x1x8x1"};
  CgroupId a_ = world_.child("/a", 100);
  CgroupId rest_ = world_.cgroup("/rest", 100);
};

TEST_F(Landing, IsLentToNobodyWhileTheRestIs) {
  world_.delegation("/a").landing_cpus = 1;
  const auto& a = planned(a_);
  ASSERT_EQ(a.landing.size(), 1U);
  EXPECT_TRUE((a.landing - a.exclusive).empty());
  const auto lent = lent_cids(world_.in_force->levels[0]);
  EXPECT_TRUE((lent & a.landing).empty());
  EXPECT_EQ((lent & a.exclusive).size(), 3U);
  EXPECT_TRUE(check_plan(*world_.in_force, world_.input()).has_value());
}

TEST_F(Landing, LatencyHasOneWhereItIsDueMoreThanACpu) {
  world_.delegation("/a").scheduler = "latency";
  EXPECT_EQ(planned(a_).landing.size(), 1U);
  world_.delegation("/a").landing_cpus = 0;
  EXPECT_TRUE(planned(a_).landing.empty());
  world_.delegation("/a").landing_cpus.reset();
  world_.delegation("/a").max_cpus = 1;
  EXPECT_TRUE(planned(a_).landing.empty());
}

TEST_F(Landing, NobodyElseHasOneUnasked) {
  EXPECT_TRUE(planned(a_).landing.empty());
}

TEST_F(Landing, StaysWhereItWas) {
  world_.delegation("/a").landing_cpus = 2;
  const auto before = planned(a_).landing;
  world_.delegation("/a").weight = 60;
  const auto& a = planned(a_);
  EXPECT_LT(a.exclusive.size(), 4U);
  EXPECT_EQ(a.landing.size(), 2U);
  EXPECT_TRUE((a.landing & before & a.exclusive) == (before & a.exclusive));
}

TEST_F(Landing, WhatIsAskedForIsReserved) {
  world_.delegation("/a").weight = 1;
  world_.delegation("/a").landing_cpus = 2;
  EXPECT_GE(planned(a_).entitlement.cpus, 2 * kCpuUnit);
  EXPECT_EQ(planned(a_).landing.size(), 2U);
}

TEST_F(Landing, ExclusiveCpusAreAllKeptAnyway) {
  world_.delegation("/a").scheduler = "latency";
  world_.delegation("/a").exclusive = true;
  world_.delegation("/a").lend = Lend::nothing;
  EXPECT_TRUE(planned(a_).landing.empty());
}

}  // namespace
}  // namespace fief
