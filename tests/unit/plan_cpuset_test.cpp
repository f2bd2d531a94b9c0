// SPDX-License-Identifier: GPL-2.0-only
// What cpusets make of plans: where a participant may lie, how much that leaves it, what is said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/cpusets.hpp"
#include "plan/explain.hpp"
#include "support/world.hpp"

namespace fief {
namespace {

using test::World;
using ::testing::HasSubstr;

CidSet used_by(const World& world, CgroupId id) {
  CidSet cids;
  for (const auto& level : world.in_force->levels)
    if (const auto* found = level.find(id)) {
      cids |= found->exclusive;
      for (const auto& share : found->shared)
        cids.insert(share.cid);
    }
  return cids;
}

CpuTime due(const World& world, CgroupId id, std::size_t level = 0) {
  return world.in_force->levels.at(level).find(id)->entitlement.cpus;
}

void expect_checked(const World& world) {
  const auto checked = check_plan(*world.in_force, world.input());
  EXPECT_TRUE(checked.has_value()) << (checked ? "" : checked.error().message);
}

TEST(PlanCpuset, confines_and_leaves_the_rest_to_others) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 300);
  const auto b = world.child("/b", 100);
  world.policy.root.min_cpus = 0;
  world.node("/a").cpus = CidSet{2, 3};
  world.plan();
  EXPECT_EQ(used_by(world, a), (CidSet{2, 3}));
  EXPECT_EQ(due(world, a), 2 * kCpuUnit);
  EXPECT_GT(due(world, b), 2 * kCpuUnit);
  expect_checked(world);
  const auto why = explain_cgroup(*world.in_force, world.input(), a).value();
  EXPECT_EQ(why.limited_by, LimitedBy::confined);
  EXPECT_THAT(to_text(why), HasSubstr("its cpuset lets it use only CPUs 2-3"));
}

TEST(PlanCpuset, is_in_numbers_of_cpus) {
  World world("1x1x4x1");
  for (auto& info : world.topology.cids)
    info.cpu = 13 - info.cid.value;
  const auto a = world.child("/a", 300);
  world.node("/a").cpus = CidSet{12};
  world.plan();
  EXPECT_EQ(used_by(world, a), CidSet{1});
  expect_checked(world);
}

TEST(PlanCpuset, of_every_cpu_there_is_confines_nobody) {
  World world("1x1x4x1");
  const auto a = world.child("/a");
  world.node("/").cpus = CidSet::first(64);
  world.plan();
  EXPECT_EQ(world.in_force->levels[0].find(a)->entitlement.cpuset, std::nullopt);
}

TEST(PlanCpuset, comes_from_the_nearest_cgroup_above) {
  World world("1x1x4x1");
  world.cgroup("/s");
  const auto a = world.child("/s/a");
  world.node("/").cpus = CidSet::first(4);
  world.node("/s").cpus = CidSet{3};
  world.plan();
  EXPECT_EQ(used_by(world, a), CidSet{3});
  expect_checked(world);
}

TEST(PlanCpuset, partitions_below_count_as_its_own) {
  World world("1x1x4x1");
  const auto a = world.child("/a", 10000);
  world.cgroup("/a/part");
  const auto b = world.child("/b", 10000);
  world.node("/").cpus = CidSet{0, 1};
  world.node("/a").cpus = CidSet{1};
  world.node("/a/part").cpus = CidSet{2, 3};
  const Cpusets cpusets(world.cgroups);
  EXPECT_EQ(cpusets.of(1), (CidSet{1, 2, 3}));
  EXPECT_EQ(cpusets.of(2), (CidSet{2, 3}));
  EXPECT_EQ(cpusets.of(3), (CidSet{0, 1}));
  world.plan();
  EXPECT_TRUE(used_by(world, a).is_subset_of({1, 2, 3}));
  EXPECT_TRUE(used_by(world, b).is_subset_of({0, 1}));
  expect_checked(world);
}

TEST(PlanCpuset, cuts_a_placement) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 10000);
  world.delegation("/a").placement = PlaceCpus{{0, 1, 2, 3}};
  world.node("/a").cpus = CidSet{2, 3, 4, 5};
  world.plan();
  EXPECT_EQ(used_by(world, a), (CidSet{2, 3}));
  expect_checked(world);
}

TEST(PlanCpuset, that_contradicts_a_placement_is_named) {
  World world("1x1x8x1");
  world.child("/a");
  world.delegation("/a").placement = PlaceCpus{{0, 1}};
  world.node("/a").cpus = CidSet{4, 5};
  const auto plan = world.make();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Errc::infeasible);
  EXPECT_EQ(plan.error().message,
            "/a is confined to CPUs 0-1 (placement), but its cpuset lets it use only CPUs 4-5; "
            "change its placement, or its cpuset with AllowedCPUs=");
}

TEST(PlanCpuset, that_is_too_small_for_a_minimum_is_named) {
  World world("1x1x8x1");
  world.child("/a");
  world.delegation("/a").min_cpus = 3;
  world.node("/a").cpus = CidSet{4, 5};
  const auto plan = world.make();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().message,
            "/a asks for at least 3 CPUs (min_cpus) but may have only 2: its cpuset lets it use "
            "only CPUs 4-5; lower min_cpus, or give it more CPUs with AllowedCPUs=");
}

TEST(PlanCpuset, minima_that_do_not_fit_in_one_cpuset_are_refused) {
  World world("1x1x8x1");
  for (const auto* path : {"/a", "/b"}) {
    world.child(path);
    world.delegation(path).min_cpus = 1.5;
    world.node(path).cpus = CidSet{4, 5};
  }
  EXPECT_EQ(world.make().error().message,
            "/a and /b are confined to cids 4-5 (cpuset) and ask for at least (min_cpus) 3 CPUs "
            "there, which have 2");
}

TEST(PlanCpuset, outside_what_the_parent_has_leaves_the_time_to_others) {
  World world("1x1x8x1");
  const auto outer = world.child("/o", 10000);
  const auto inner = world.child("/o/i", 10000, outer);
  world.delegation("/o").placement = PlaceCpus{{0, 1}};
  world.node("/o/i").cpus = CidSet{6, 7};
  world.plan();
  EXPECT_LT(due(world, inner, 1), kCpuUnit / 100);
  expect_checked(world);
}

TEST(PlanCpuset, that_changes_moves_who_it_is_about) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 200);
  const auto b = world.child("/b", 100);
  world.node("/a").cpus = CidSet{0, 1};
  world.node("/b").cpus = CidSet{6, 7};
  world.plan();
  const auto before = used_by(world, b);
  world.node("/a").cpus = CidSet{2, 3};
  world.plan();
  EXPECT_EQ(used_by(world, a), (CidSet{2, 3}));
  EXPECT_EQ(used_by(world, b), before);
  expect_checked(world);
}

}  // namespace
}  // namespace fief
