// SPDX-License-Identifier: GPL-2.0-only
// What each participant is due: weights, limits, rounding, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/due/entitlement.hpp"
#include "plan/explain.hpp"
#include "support/world.hpp"

namespace fief {
namespace {

using test::World;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<double> dues(const LevelPlan& level) {
  std::vector<double> cpus;
  cpus.reserve(level.participants.size());
  for (const auto& participant : level.participants)
    cpus.push_back(static_cast<double>(participant.entitlement.cpus) / double{kCpuUnit});
  return cpus;
}

std::vector<double> root_dues(World& world) {
  return dues(world.plan().levels.at(0));
}

TEST(DivideExactly, sums_and_breaks_ties_by_order) {
  const std::vector<Claim> claims(3, Claim{1, 0, kUnlimited});
  EXPECT_THAT(divide_exactly(claims, 8), ElementsAre(3U, 3U, 2U));
}

TEST(DivideExactly, respects_limits_and_divides_the_difference) {
  EXPECT_THAT(
      divide_exactly(std::vector<Claim>{{1, 0, 10}, {1, 0, kUnlimited}, {2, 0, kUnlimited}}, 100),
      ElementsAre(10U, 30U, 60U));
  EXPECT_THAT(
      divide_exactly(std::vector<Claim>{{1, 40, 50}, {1, 0, kUnlimited}, {2, 0, kUnlimited}}, 100),
      ElementsAre(40U, 20U, 40U));
}

TEST(DivideExactly, what_all_limits_leave_goes_to_the_first) {
  EXPECT_THAT(divide_exactly(std::vector<Claim>{{0, 1, kUnlimited}, {1, 0, 10}, {1, 0, 20}}, 100),
              ElementsAre(70U, 10U, 20U));
}

TEST(Entitlement, weight_over_populated_siblings_the_parent_keeps_the_rest) {
  World world("1x1x8x1");
  world.child("/a", 100);
  world.child("/b", 300);
  world.cgroup("/rest", 400);
  world.cgroup("/empty", 9999);
  world.node("/empty").populated = false;
  EXPECT_THAT(root_dues(world), ElementsAre(4, 1, 3));
}

TEST(Entitlement, product_over_the_levels) {
  World world("1x1x16x1");
  world.cgroup("/slice", 300);
  world.cgroup("/other", 100);
  world.child("/slice/a", 100);
  world.cgroup("/slice/b", 200);
  const auto& plan = world.plan();
  EXPECT_THAT(dues(plan.levels[0]), ElementsAre(12, 4));
  const std::vector<WeightStep> chain{{CgroupId{2}, "/slice", 300, 400, 400},
                                      {CgroupId{4}, "/slice/a", 100, 300, 300}};
  EXPECT_EQ(plan.levels[0].participants[1].entitlement.chain, chain);
}

TEST(Entitlement, an_attached_cgroup_counts_as_populated) {
  World world("1x1x8x1");
  world.cgroup("/slice", 100);
  world.node("/slice").populated = false;
  world.child("/slice/a", 100);
  world.node("/slice/a").populated = false;
  world.cgroup("/other", 100);
  EXPECT_THAT(root_dues(world), ElementsAre(4, 4));
}

TEST(Entitlement, idle_counts_three_tenths_of_weight_one) {
  World world("1x1x4x1");
  const auto idle = world.child("/idle", 100);
  world.node("/idle").idle = true;
  world.child("/busy", 1);
  world.policy.root.min_cpus = 0;
  const auto& plan = world.plan();
  const auto* found = plan.levels[0].find(idle);
  EXPECT_EQ(found->entitlement.chain[0], (WeightStep{idle, "/idle", 3, 13, 13}));
  EXPECT_NEAR(dues(plan.levels[0])[1], 4.0 * 3 / 13, 0.0001);
}

// Half of the machine is idle: it is due to those who are busy.
TEST(Entitlement, who_sleeps_counts_for_nothing) {
  World world("1x1x4x1");
  const auto a = world.child("/a", 300);
  const auto b = world.child("/b", 100);
  world.cgroup("/busy", 100);
  world.cgroup("/sleeps", 500);
  world.activity(a, {.awake = true, .active = 1, .others = {100}});
  world.activity(b, {.awake = false, .active = 0, .others = {400}});
  const auto& level = world.plan().levels[0];
  EXPECT_NEAR(dues(level)[0], 1, 0.001);
  EXPECT_NEAR(dues(level)[1], 3, 0.001);
  EXPECT_LT(dues(level)[2], 0.001);
  const auto& due = level.find(a)->entitlement;
  EXPECT_EQ(due.nominal, 4 * kCpuUnit * 3 / 10);
  EXPECT_EQ(due.chain[0].sibling_weights, 1000U);
  EXPECT_EQ(due.chain[0].awake_weights, 400U);
  EXPECT_TRUE(due.awake);
  EXPECT_FALSE(level.find(b)->entitlement.awake);
}

// At every level on the way down.
TEST(Entitlement, who_sleeps_counts_for_nothing_inside_a_slice) {
  World world("1x1x8x1");
  world.cgroup("/slice", 100);
  world.cgroup("/other", 100);
  const auto a = world.child("/slice/a", 100);
  world.cgroup("/slice/b", 300);
  world.activity(a, {.awake = true, .active = 1, .others = {100, 0}});
  EXPECT_THAT(root_dues(world), ElementsAre(4, 4));
}

// One that wants to run for moments only, time and again, has its CPUs for these; what it does not
// use of them is lent.
TEST(Entitlement, who_wants_to_run_for_moments_is_due_what_its_weight_is_worth_then) {
  World world("1x1x8x1");
  const auto waits = world.child("/waits", 100);
  const auto works = world.child("/works", 100);
  world.activity(waits, {.awake = true, .active = 0.1, .others = {100}});
  world.activity(works, {.awake = true, .active = 1, .others = {10}});
  const auto due = root_dues(world);
  EXPECT_GT(due[1], 2.5);
  EXPECT_GT(due[2], 4.5);
}

// Plans come after the first wake-up; where somebody waits for that, a CPU is there already.
TEST(Entitlement, who_is_waited_for_keeps_a_cpu_to_wake_on) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 100);
  const auto b = world.child("/b", 100);
  world.activity(a, {.awake = false, .active = 0, .others = {100}});
  world.activity(b, {.awake = true, .active = 1, .others = {0}});
  EXPECT_TRUE(world.plan().levels[0].find(a)->exclusive.empty());
  world.delegation("/a").scheduler = "latency";
  const auto& level = world.plan().levels[0];
  EXPECT_EQ(level.find(a)->entitlement.cpus, kCpuUnit);
  EXPECT_EQ(level.find(a)->exclusive.size(), 1U);
  EXPECT_TRUE((level.find(a)->exclusive - lent_cids(level)).empty());
  EXPECT_GE(level.find(b)->entitlement.cpus, 6 * kCpuUnit);
  EXPECT_TRUE(check_plan(*world.in_force, world.input()).has_value());
  EXPECT_EQ(explain_cgroup(*world.in_force, world.input(), a).value().limited_by,
            LimitedBy::waking);
  world.delegation("/a").weight = 1;
  EXPECT_TRUE(world.plan().levels[0].find(a)->exclusive.empty());
}

TEST(Entitlement, promises_are_kept_for_who_sleeps) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 100);
  const auto b = world.child("/b", 100);
  const auto c = world.child("/c", 100);
  world.delegation("/a").min_cpus = 2;
  world.delegation("/b").exclusive = true;
  world.activity(a, {.awake = false, .active = 0, .others = {200}});
  world.activity(b, {.awake = false, .active = 0, .others = {100}});
  world.activity(c, {.awake = true, .active = 1, .others = {0}});
  const auto& level = world.plan().levels[0];
  EXPECT_EQ(level.find(a)->entitlement.cpus, 2 * kCpuUnit);
  EXPECT_GE(level.find(b)->exclusive.size(), 1U);
}

// Cgroups have come between since that was published.
TEST(Entitlement, activity_of_another_chain_is_not_taken) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 100);
  world.cgroup("/rest", 100);
  world.activity(a, {.awake = true, .active = 1, .others = {0, 0}});
  EXPECT_THAT(root_dues(world), ElementsAre(4, 4));
}

TEST(Entitlement, a_fixed_weight_replaces_cpu_weight) {
  World world("1x1x8x1");
  world.child("/a", 1);
  world.cgroup("/rest", 100);
  world.delegation("/a").weight = 300;
  EXPECT_THAT(root_dues(world), ElementsAre(2, 6));
}

TEST(Entitlement, a_foreign_child_is_planned_for_by_weight_alone) {
  World world("1x1x8x1");
  world.child("/a", 100);
  world.attachments[0].foreign = true;
  world.cgroup("/rest", 300);
  world.delegation("/a").weight = 9999;
  EXPECT_THAT(root_dues(world), ElementsAre(6, 2));
}

TEST(Entitlement, min_and_max_are_fractional_and_shift_the_others) {
  World world("1x1x8x1");
  world.child("/a", 100);
  world.child("/b", 100);
  world.child("/c", 100);
  world.cgroup("/rest", 100);
  world.delegation("/a").min_cpus = 3.5;
  world.delegation("/b").max_cpus = 0.5;
  EXPECT_THAT(root_dues(world), ElementsAre(2, 3.5, 0.5, 2));
}

TEST(Entitlement, the_root_keeps_a_sixteenth_but_at_most_a_cpu) {
  for (const auto& [spec, floor] :
       {std::pair{"1x1x8x1", 0.5}, {"1x1x16x1", 1.0}, {"1x1x64x1", 1.0}}) {
    World world(spec);
    world.child("/a");
    EXPECT_EQ(root_dues(world)[0], floor) << spec;
  }
  World world("1x1x8x1");
  world.child("/a");
  world.policy.root.min_cpus = 2.25;
  EXPECT_THAT(root_dues(world), ElementsAre(2.25, 5.75));
}

TEST(Entitlement, nobody_gets_nothing) {
  World world("1x1x4x1");
  const auto tiny = world.child("/tiny", 1);
  world.node("/tiny").idle = true;
  for (int i = 0; i < 40; ++i)
    world.cgroup("/rest" + std::to_string(i), 10000);
  EXPECT_EQ(world.plan().levels[0].find(tiny)->entitlement.cpus, 1U);
}

TEST(Entitlement, children_of_children_divide_their_parents_part) {
  World world("1x1x8x1");
  const auto outer = world.child("/outer", 100);
  world.cgroup("/rest", 100);
  world.child("/outer/x", 300, outer);
  world.cgroup("/outer/y", 100);
  const auto& plan = world.plan();
  ASSERT_EQ(plan.levels.size(), 2U);
  EXPECT_EQ(plan.levels[1].scheduler, outer);
  EXPECT_THAT(dues(plan.levels[1]), ElementsAre(1, 3));
  EXPECT_EQ(plan.levels[1].held, plan.levels[0].find(outer)->exclusive);
}

TEST(Entitlement, a_gone_cgroup_is_left_out) {
  World world("1x1x8x1");
  world.child("/a");
  world.attachments.push_back({CgroupId{99}, kSelf, false});
  world.attachments.push_back({CgroupId{98}, CgroupId{99}, false});
  const auto& plan = world.plan();
  EXPECT_EQ(plan.levels.size(), 1U);
  EXPECT_EQ(plan.levels[0].participants.size(), 2U);
}

TEST(Entitlement, offline_cids_are_not_divided) {
  World world("1x1x8x1");
  world.child("/a");
  world.cgroup("/rest");
  world.topology.cids[3].online = false;
  EXPECT_THAT(root_dues(world), ElementsAre(3.5, 3.5));
  EXPECT_EQ(world.in_force->levels[0].held.to_string(), "0-2,4-7");
}

TEST(Exclusive, is_rounded_to_whole_cpus_and_others_divide_the_difference) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 100);
  world.child("/b", 100);
  world.cgroup("/rest", 100);
  world.delegation("/a").exclusive = true;
  EXPECT_THAT(root_dues(world), ElementsAre(2.5, 3, 2.5));
  const auto* part = world.in_force->levels[0].find(a);
  EXPECT_TRUE(part->shared.empty());
  EXPECT_EQ(part->lend, Lend::nothing);
}

TEST(Exclusive, takes_whole_cores_unless_it_may_split_them) {
  World world("1x1x4x2");
  world.child("/a", 300);
  world.cgroup("/rest", 500);
  world.delegation("/a").exclusive = true;
  EXPECT_THAT(root_dues(world), ElementsAre(4, 4));
  world.delegation("/a").smt = Smt::split;
  EXPECT_THAT(root_dues(world), ElementsAre(5, 3));
}

TEST(Exclusive, rounding_up_yields_where_it_takes_too_much) {
  World world("1x1x4x1");
  for (const auto* path : {"/a", "/b"}) {
    world.child(path, 175);
    world.delegation(path).exclusive = true;
  }
  world.cgroup("/rest", 50);
  world.policy.root.min_cpus = 0.5;
  // 1.75 each round to 2, which would leave the root nothing of its half CPU.
  EXPECT_THAT(root_dues(world), ElementsAre(1, 1, 2));
}

TEST(Refusal, names_cgroup_demand_and_what_is_available) {
  World world("1x1x8x1");
  world.child("/db");
  world.delegation("/db").min_cpus = 9;
  const auto plan = world.make();
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code, Errc::infeasible);
  EXPECT_THAT(plan.error().message, HasSubstr("/db asks for at least 9 CPUs"));
  EXPECT_THAT(plan.error().message, HasSubstr("of the 8 CPUs of / only 7.5 are available"));
}

TEST(Refusal, of_demands_that_fit_alone_but_not_together) {
  World world("1x1x8x1");
  for (const auto* path : {"/a", "/b"}) {
    world.child(path);
    world.delegation(path).min_cpus = 4;
  }
  const auto plan = world.make();
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(plan.error().message, HasSubstr("only 3.5 are available beside the 4.5"));
}

TEST(Refusal, of_an_exclusive_delegation_without_a_whole_cpu) {
  World world("1x1x1x1");
  world.child("/a");
  world.delegation("/a").exclusive = true;
  const auto plan = world.make();
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code, Errc::infeasible);
}

TEST(Refusal, of_too_many_participants) {
  World world("1x1x64x1");
  for (int i = 0; i < 256; ++i)
    world.child("/c" + std::to_string(i));
  const auto plan = world.make();
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(plan.error().message, HasSubstr("257 participants"));
}

TEST(Refusal, of_a_root_floor_above_the_machine) {
  World world("1x1x2x1");
  world.policy.root.min_cpus = 3;
  const auto plan = world.make();
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code, Errc::infeasible);
}

}  // namespace
}  // namespace fief
