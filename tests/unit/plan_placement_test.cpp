// SPDX-License-Identifier: GPL-2.0-only
// Where the entitlements come to lie: locality, cores, confinement, stability.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "plan/plan.hpp"
#include "support/world.hpp"

namespace fief {
namespace {

using test::World;
using ::testing::HasSubstr;

const ParticipantPlan& find(const World& world, CgroupId id) {
  return *world.in_force->levels.at(0).find(id);
}

std::size_t llcs(const World& world, const CidSet& cids) {
  std::set<std::uint32_t> seen;
  for (const auto cid : cids)
    seen.insert(world.topology.cids[cid.value].llc);
  return seen.size();
}

void expect_checked(const World& world) {
  const auto checked = check_plan(*world.in_force, world.input());
  EXPECT_TRUE(checked.has_value()) << (checked ? "" : checked.error().message);
}

TEST(Placement, fractions_meet_on_as_few_cids_as_possible) {
  World world("1x1x8x1");
  world.child("/a", 100);
  world.child("/b", 100);
  world.child("/c", 300);
  world.policy.root.min_cpus = 0;
  const auto& level = world.plan().levels[0];
  // 1.6, 1.6 and 4.8 CPUs: six owned, two shared.
  std::set<Cid> shared;
  for (const auto& participant : level.participants)
    for (const auto& share : participant.shared)
      shared.insert(share.cid);
  EXPECT_EQ(shared.size(), 2U);
  expect_checked(world);
}

TEST(Placement, packs_on_one_llc) {
  World world("1x4x4x1");
  const auto a = world.child("/a", 100);
  const auto b = world.child("/b", 100);
  world.cgroup("/rest", 200);
  world.plan();
  EXPECT_EQ(llcs(world, find(world, a).exclusive), 1U);
  EXPECT_EQ(llcs(world, find(world, b).exclusive), 1U);
}

TEST(Placement, spreads_over_llcs) {
  World world("1x4x4x1");
  const auto a = world.child("/a", 100);
  world.cgroup("/rest", 300);
  world.delegation("/a").placement = PlaceSpread{};
  world.plan();
  EXPECT_EQ(find(world, a).exclusive.size(), 4U);
  EXPECT_EQ(llcs(world, find(world, a).exclusive), 4U);
}

TEST(Placement, near_another_is_in_its_llc_or_node) {
  World world("2x2x8x1");
  const auto a = world.child("/a", 500);
  const auto big = world.child("/big", 1400);
  const auto b = world.child("/b", 300);
  world.cgroup("/rest", 1000);
  world.delegation("/b").placement = PlaceNear{"/a"};
  world.delegation("/a");
  world.plan();
  EXPECT_EQ(llcs(world, find(world, a).exclusive | find(world, b).exclusive), 1U);
  EXPECT_FALSE(find(world, big).exclusive.empty());
}

TEST(Placement, confined_to_named_cpus_even_if_others_had_them) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 300);
  world.cgroup("/rest", 500);
  world.plan();
  const auto b = world.child("/b", 250);
  auto cpus = find(world, a).exclusive;
  world.delegation("/b").placement = PlaceCpus{cpus};
  world.plan();
  expect_checked(world);
  EXPECT_TRUE(find(world, b).exclusive.is_subset_of(cpus));
  for (const auto& share : find(world, b).shared)
    EXPECT_TRUE(cpus.contains(share.cid));
}

TEST(Placement, a_confinement_caps_what_is_due) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 10000);
  world.cgroup("/rest", 100);
  world.delegation("/a").placement = PlaceCpus{{2, 3}};
  world.plan();
  EXPECT_EQ(find(world, a).exclusive, (CidSet{2, 3}));
}

TEST(Placement, equal_confinements_divide_their_cpus) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 300);
  const auto b = world.child("/b", 100);
  for (const auto* path : {"/a", "/b"})
    world.delegation(path).placement = PlaceCpus{{0, 1}};
  world.plan();
  EXPECT_EQ(find(world, a).entitlement.cpus, kCpuUnit * 3 / 2);
  EXPECT_EQ(find(world, b).entitlement.cpus, kCpuUnit / 2);
  expect_checked(world);
}

// /p has CPUs 2 and 3 in part. /p/q is due two whole CPUs where only one is whole; what that leaves
// open is no more than that, or /p/r would find its place taken.
TEST(Placement, overlapping_confinements_share_cpus_held_in_part) {
  World world("1x1x5x1");
  world.policy.root.min_cpus = 0;
  const auto exactly = [&world](const std::string& path, double amount, const CidSet& cpus) {
    auto& delegation = world.delegation(path);
    delegation.min_cpus = amount;
    delegation.max_cpus = amount;
    delegation.placement = PlaceCpus{cpus};
  };
  world.child("/x");
  exactly("/x", 0.25, {2});
  world.child("/y");
  exactly("/y", 0.5, {3});
  const auto p = world.child("/p", 10000);
  world.child("/p/q", 100, p);
  exactly("/p/q", 2, {1, 2, 3});
  world.child("/p/r", 100, p);
  exactly("/p/r", 0.2, {0, 1, 2, 3});
  world.child("/p/s", 100, p);
  exactly("/p/s", 1, {0});
  world.plan();
  expect_checked(world);
}

TEST(Placement, refuses_a_confinement_to_cpus_that_are_not_there) {
  World world("1x1x4x1");
  world.child("/a");
  world.delegation("/a").placement = PlaceCpus{{40}};
  const auto plan = world.make();
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(plan.error().message, HasSubstr("/a is confined to CPUs 40"));
}

TEST(Smt, cores_are_handed_out_whole) {
  World world("1x1x4x2");
  const auto a = world.child("/a", 100);
  const auto b = world.child("/b", 100);
  world.cgroup("/rest", 200);
  world.plan();
  for (const auto id : {a, b})
    for (const auto cid : find(world, id).exclusive)
      EXPECT_TRUE(world.topology.core_siblings(cid).is_subset_of(find(world, id).exclusive));
}

TEST(Smt, a_core_that_nobody_can_have_whole_is_shared_by_halves) {
  World world("1x1x4x2");
  const auto a = world.child("/a", 300);
  world.cgroup("/rest", 500);
  world.plan();
  const auto& part = find(world, a);
  EXPECT_EQ(part.exclusive.size(), 2U);
  ASSERT_EQ(part.shared.size(), 2U);
  EXPECT_EQ(part.shared[0].fraction, kCpuUnit / 2);
  EXPECT_TRUE(world.topology.core_siblings(part.shared[0].cid).contains(part.shared[1].cid));
}

TEST(Smt, split_lets_threads_have_different_owners) {
  World world("1x1x4x2");
  const auto a = world.child("/a", 300);
  world.cgroup("/rest", 500);
  world.delegation("/a").smt = Smt::split;
  world.plan();
  EXPECT_EQ(find(world, a).exclusive.size(), 3U);
  EXPECT_TRUE(find(world, a).shared.empty());
}

TEST(Stability, a_shrinking_member_gives_up_only_what_it_must) {
  World world("1x2x4x1");
  const auto a = world.child("/a", 500);
  world.cgroup("/rest", 300);
  world.plan();
  const auto had = find(world, a).exclusive;
  world.node("/a").weight = 180;
  world.plan();
  EXPECT_TRUE(find(world, a).exclusive.is_subset_of(had));
  EXPECT_EQ(find(world, a).exclusive.size(), 3U);
  EXPECT_EQ(llcs(world, find(world, a).exclusive), 1U);
}

TEST(Stability, a_flapping_weight_keeps_the_fraction_where_the_cpu_was) {
  World world("1x1x8x1");
  const auto a = world.child("/a", 2000);
  world.cgroup("/rest", 6000);
  world.plan();
  const auto had = find(world, a).exclusive;
  ASSERT_EQ(had.size(), 2U);
  world.node("/a").weight = 1999;
  world.plan();
  ASSERT_EQ(find(world, a).shared.size(), 1U);
  EXPECT_TRUE(had.contains(find(world, a).shared[0].cid));
  world.node("/a").weight = 2000;
  world.plan();
  EXPECT_EQ(find(world, a).exclusive, had);
}

TEST(Sharers, small_shares_are_spread_so_that_a_cid_has_at_most_sixteen) {
  World world("1x1x16x1");
  world.child("/big", 10000);
  for (int i = 0; i < 60; ++i)
    world.child("/small" + std::to_string(i), 1);
  world.plan();
  expect_checked(world);
}

TEST(Sharers, too_many_for_the_cpus_are_refused) {
  World world("1x1x2x1");
  for (int i = 0; i < 40; ++i)
    world.child("/c" + std::to_string(i));
  const auto plan = world.make();
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code, Errc::infeasible);
  EXPECT_THAT(plan.error().message, HasSubstr("at most 16 can share one"));
}

TEST(CheckPlan, finds_every_kind_of_damage) {
  World world("1x1x4x2");
  const auto a = world.child("/a", 300);
  const auto b = world.child("/b", 150);
  world.cgroup("/rest", 350);
  world.delegation("/a").placement = PlaceCpus{{0, 1, 2, 3, 4, 5}};
  const auto sound = world.plan();
  expect_checked(world);
  const auto damage = [&](const char* what, const std::function<void(LevelPlan&)>& change) {
    *world.in_force = sound;
    change(world.in_force->levels[0]);
    EXPECT_FALSE(check_plan(*world.in_force, world.input()).has_value()) << what;
  };
  const auto part = [](LevelPlan& level, CgroupId id) -> ParticipantPlan& {
    return *std::ranges::find(level.participants, id, &ParticipantPlan::cgroup);
  };
  const auto owned = *part(world.in_force->levels[0], a).exclusive.begin();
  damage("two owners", [&](LevelPlan& level) { part(level, b).exclusive.insert(owned); });
  damage("a cid lost", [&](LevelPlan& level) { part(level, a).exclusive.erase(owned); });
  damage("owned and shared",
         [&](LevelPlan& level) { part(level, b).shared.push_back({owned, 1}); });
  damage("another amount due", [&](LevelPlan& level) { ++part(level, a).entitlement.cpus; });
  damage("a cid not held", [&](LevelPlan& level) { level.held.erase(owned); });
  damage("a participant lost", [&](LevelPlan& level) { level.participants.pop_back(); });
  damage("outside its confinement", [&](LevelPlan& level) {
    std::swap(part(level, a).exclusive, part(level, kSelf).exclusive);
    std::swap(part(level, a).shared, part(level, kSelf).shared);
  });
  damage("a share of a whole CPU", [&](LevelPlan& level) {
    part(level, a).exclusive.erase(owned);
    part(level, a).shared = {{owned, kCpuUnit}};
  });
}

TEST(CheckPlan, finds_damage_below_the_root) {
  World world("1x1x8x1");
  const auto outer = world.child("/o", 300);
  const auto inner = world.child("/o/i", 200, outer);
  const auto leaf = world.child("/o/i/x", 100, inner);
  world.cgroup("/o/i/y", 350);
  world.cgroup("/o/z", 100);
  world.cgroup("/rest", 100);
  const auto sound = world.plan();
  ASSERT_EQ(sound.levels.size(), 3U);
  expect_checked(world);
  const auto damage = [&](const char* what, const std::function<void(Plan&)>& change) {
    *world.in_force = sound;
    change(*world.in_force);
    EXPECT_FALSE(check_plan(*world.in_force, world.input()).has_value()) << what;
  };
  const auto part = [](Plan& plan, std::size_t level, CgroupId id) -> ParticipantPlan& {
    return *std::ranges::find(plan.levels[level].participants, id, &ParticipantPlan::cgroup);
  };
  damage("more than the level above gives", [&](Plan& plan) {
    const auto foreign = *part(plan, 0, kSelf).exclusive.begin();
    plan.levels[1].held.insert(foreign);
    part(plan, 1, kSelf).exclusive.insert(foreign);
  });
  damage("less than the level above gives", [&](Plan& plan) {
    const auto given = *part(plan, 0, outer).exclusive.begin();
    part(plan, 0, outer).exclusive.erase(given);
    part(plan, 0, kSelf).exclusive.insert(given);
  });
  damage("a level lost", [&](Plan& plan) { plan.levels.pop_back(); });
  damage("levels swapped", [&](Plan& plan) { std::swap(plan.levels[1], plan.levels[2]); });
  damage("two users of one cid in the last level",
         [&](Plan& plan) { part(plan, 2, leaf).exclusive |= part(plan, 2, kSelf).exclusive; });
  damage("time of a shared cid twice", [&](Plan& plan) {
    for (auto& participant : plan.levels[2].participants)
      for (auto& share : participant.shared)
        ++share.fraction;
  });
}

}  // namespace
}  // namespace fief
