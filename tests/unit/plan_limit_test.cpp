// SPDX-License-Identifier: GPL-2.0-only
// What cpu.max makes of plans: a participant's time is cut, the rest is due to others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/explain.hpp"
#include "support/world.hpp"

namespace fief {
namespace {

using test::World;
using ::testing::HasSubstr;

CpuTime due(const World& world, CgroupId id) {
  return world.in_force->levels.at(0).find(id)->entitlement.cpus;
}

TEST(PlanLimit, cuts_what_is_due_and_leaves_the_rest_to_others) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 300);
  const auto b = world.child("/b", 100);
  world.policy.root.min_cpus = 0;
  world.plan();
  const auto before = due(world, b);
  world.node("/a").limit = CpuMax{.quota_us = 40'000, .period_us = 100'000};
  world.plan();
  EXPECT_NEAR(static_cast<double>(due(world, a)), 0.4 * kCpuUnit, 1);
  EXPECT_GT(due(world, b), before);
  const auto why = explain_cgroup(*world.in_force, world.input(), a).value();
  EXPECT_EQ(why.limited_by, LimitedBy::limit);
  EXPECT_THAT(to_text(why), HasSubstr("its limit (cpu.max, its own or above it) is 0.4 CPUs"));
}

TEST(PlanLimit, of_a_cgroup_above_counts_too) {
  World world("1x1x8x1");
  world.cgroup("/s");
  const auto a = world.child("/s/a", 10'000);
  world.policy.root.min_cpus = 0;
  world.node("/s").limit = CpuMax{.quota_us = 150'000, .period_us = 100'000};
  world.node("/s/a").limit = CpuMax{.quota_us = 700'000, .period_us = 100'000};
  world.plan();
  EXPECT_NEAR(static_cast<double>(due(world, a)), 1.5 * kCpuUnit, 1);
}

TEST(PlanLimit, gives_way_to_what_a_policy_reserves) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 100);
  world.delegation("/a").min_cpus = 2;
  world.node("/a").limit = CpuMax{.quota_us = 50'000, .period_us = 100'000};
  world.plan();
  EXPECT_EQ(due(world, a), 2 * kCpuUnit);
}

TEST(PlanLimit, above_all_there_is_does_nothing) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 300);
  world.plan();
  const auto before = due(world, a);
  world.node("/a").limit = CpuMax{.quota_us = 1ULL << 44U, .period_us = 1000};
  world.plan();
  EXPECT_EQ(due(world, a), before);
}

}  // namespace
}  // namespace fief
