// SPDX-License-Identifier: GPL-2.0-only
// Plans a person can check by hand, one a rule: tests/golden/plan/RULE.txt holds what explain says
// of every participant.
#include <gtest/gtest.h>

#include "plan/explain.hpp"
#include "support/golden.hpp"
#include "support/world.hpp"

namespace fief {
namespace {

using test::World;

std::string explain_all(const World& world) {
  std::string text;
  const auto input = world.input();
  const auto& root = world.in_force->levels.front();
  for (const auto& level : world.in_force->levels)
    for (const auto& participant : level.participants)
      if (participant.cgroup != kSelf || &level == &root)
        text += to_text(explain_cgroup(*world.in_force, input, participant.cgroup).value());
  for (const auto& info : world.topology.cids)
    text += to_text(explain_cid(*world.in_force, input, info.cid).value());
  return text;
}

void expect_golden(const std::string& rule, World& world) {
  world.plan();
  const auto checked = check_plan(*world.in_force, world.input());
  ASSERT_TRUE(checked.has_value()) << checked.error().message;
  test::expect_golden("plan/" + rule + ".txt", explain_all(world));
}

TEST(PlanGolden, weights) {
  World world("1x1x8x1");
  world.child("/a.service", 100);
  world.child("/b.service", 300);
  world.cgroup("/rest.slice", 400);
  expect_golden("weights", world);
}

TEST(PlanGolden, product_over_levels) {
  World world("1x1x8x1");
  world.cgroup("/s.slice", 300);
  world.child("/s.slice/a.service", 100);
  world.cgroup("/s.slice/b.service", 200);
  world.cgroup("/rest.slice", 100);
  expect_golden("product_over_levels", world);
}

TEST(PlanGolden, fractions) {
  World world("1x1x4x1");
  world.child("/a.service", 100);
  world.child("/b.service", 100);
  world.child("/c.service", 300);
  world.cgroup("/rest.slice", 100);
  expect_golden("fractions", world);
}

TEST(PlanGolden, limits) {
  World world("1x1x8x1");
  world.child("/least.service", 100);
  world.child("/most.service", 100);
  world.cgroup("/rest.slice", 200);
  world.delegation("/least.service").min_cpus = 3;
  world.delegation("/most.service").max_cpus = 0.5;
  expect_golden("limits", world);
}

TEST(PlanGolden, floor_of_the_root) {
  World world("1x1x8x1");
  world.child("/a.service", 100);
  expect_golden("floor_of_the_root", world);
}

TEST(PlanGolden, exclusive) {
  World world("1x1x4x1");
  world.child("/a.service", 170);
  world.cgroup("/rest.slice", 230);
  world.delegation("/a.service").exclusive = true;
  expect_golden("exclusive", world);
}

TEST(PlanGolden, smt_together) {
  World world("1x1x4x2");
  world.child("/a.service", 300);
  world.cgroup("/rest.slice", 500);
  expect_golden("smt_together", world);
}

TEST(PlanGolden, smt_split) {
  World world("1x1x4x2");
  world.child("/a.service", 300);
  world.cgroup("/rest.slice", 500);
  world.delegation("/a.service").smt = Smt::split;
  expect_golden("smt_split", world);
}

TEST(PlanGolden, placement) {
  World world("2x2x4x1");
  world.child("/pack.service", 300);
  world.child("/spread.service", 400);
  world.child("/near.service", 100);
  world.child("/cpus.service", 100);
  world.cgroup("/rest.slice", 700);
  world.delegation("/pack.service");
  world.delegation("/spread.service").placement = PlaceSpread{};
  world.delegation("/near.service").placement = PlaceNear{"/pack.service"};
  world.delegation("/cpus.service").placement = PlaceCpus{{14, 15}};
  expect_golden("placement", world);
}

TEST(PlanGolden, idle) {
  World world("1x1x4x1");
  world.child("/idle.service", 100);
  world.child("/busy.service", 1);
  world.node("/idle.service").idle = true;
  world.policy.root.min_cpus = 0.1;
  expect_golden("idle", world);
}

TEST(PlanGolden, fixed_weight) {
  World world("1x1x8x1");
  world.child("/a.service", 1);
  world.cgroup("/rest.slice", 100);
  world.delegation("/a.service").weight = 300;
  expect_golden("fixed_weight", world);
}

TEST(PlanGolden, fractional_limits) {
  World world("1x1x4x1");
  world.child("/least.service", 100);
  world.child("/most.service", 100);
  world.cgroup("/rest.slice", 200);
  world.delegation("/least.service").min_cpus = 1.25;
  world.delegation("/most.service").max_cpus = 0.25;
  expect_golden("fractional_limits", world);
}

// Two nodes of four; one CPU of the first goes, so its node has three: 7 CPUs by halves.
TEST(PlanGolden, a_cpu_gone) {
  World world("2x1x4x1");
  world.child("/a.service", 100);
  world.cgroup("/rest.slice", 100);
  world.plan();
  world.topology.cids[1].online = false;
  expect_golden("a_cpu_gone", world);
}

TEST(PlanGolden, pack) {
  World world("2x2x2x1");
  world.child("/a.service", 200);
  world.child("/b.service", 400);
  world.cgroup("/rest.slice", 200);
  expect_golden("pack", world);
}

TEST(PlanGolden, spread) {
  World world("2x2x2x1");
  world.child("/a.service", 400);
  world.cgroup("/rest.slice", 400);
  world.delegation("/a.service").placement = PlaceSpread{};
  expect_golden("spread", world);
}

TEST(PlanGolden, near) {
  World world("2x1x4x1");
  world.child("/a.service", 200);
  world.child("/big.service", 300);
  world.child("/beside.service", 100);
  world.cgroup("/rest.slice", 200);
  world.delegation("/a.service");
  world.delegation("/beside.service").placement = PlaceNear{"/a.service"};
  expect_golden("near", world);
}

TEST(PlanGolden, pinned_cpus) {
  World world("1x1x8x1");
  world.child("/a.service", 600);
  world.cgroup("/rest.slice", 200);
  world.delegation("/a.service").placement = PlaceCpus{{2, 3, 4}};
  expect_golden("pinned_cpus", world);
}

TEST(PlanGolden, pinned_node) {
  World world("2x1x4x1");
  world.child("/a.service", 300);
  world.cgroup("/rest.slice", 500);
  world.delegation("/a.service").placement = PlaceNodes{{1}};
  expect_golden("pinned_node", world);
}

// Due 2 each of 4 CPUs; a can use 0 and 1, b 1 and 2, c 2 and 0: three CPUs for the three of them.
TEST(PlanGolden, overlapping_cpus) {
  World world("1x1x4x1");
  for (const auto* path : {"/a.service", "/b.service", "/c.service"})
    world.child(path, 1000);
  world.cgroup("/rest.slice", 100);
  world.delegation("/a.service").placement = PlaceCpus{{0, 1}};
  world.delegation("/b.service").placement = PlaceCpus{{1, 2}};
  world.delegation("/c.service").placement = PlaceCpus{{0, 2}};
  expect_golden("overlapping_cpus", world);
}

TEST(PlanGolden, lending) {
  World world("1x1x4x1");
  world.child("/keeps.service", 100);
  world.child("/modest.service", 100);
  world.cgroup("/rest.slice", 200);
  world.delegation("/keeps.service").lend = Lend::nothing;
  world.delegation("/modest.service").borrow = false;
  expect_golden("lending", world);
}

// b leaves, the others grow into its place, and it returns with another id: all is as it was.
TEST(PlanGolden, returning) {
  World world("1x1x8x1");
  world.child("/a.service", 200);
  const auto b = world.child("/b.service", 400);
  world.cgroup("/rest.slice", 200);
  world.plan();
  world.detach(b);
  world.node("/b.service").populated = false;
  world.now = Instant{3600};
  world.plan();
  world.node("/b.service") = {CgroupId{99}, "/b.service", 0, 400, false, true};
  world.attachments.push_back({CgroupId{99}, kSelf, false});
  world.now = Instant{7200};
  expect_golden("returning", world);
}

TEST(PlanGolden, three_levels) {
  World world("1x1x8x1");
  const auto outer = world.child("/o.slice", 300);
  const auto inner = world.child("/o.slice/i.slice", 200, outer);
  world.child("/o.slice/i.slice/x.service", 100, inner);
  world.cgroup("/o.slice/i.slice/y.service", 300);
  world.cgroup("/o.slice/z.service", 100);
  world.cgroup("/rest.slice", 100);
  expect_golden("three_levels", world);
}

TEST(PlanGolden, nested) {
  World world("1x1x8x1");
  const auto outer = world.child("/outer.slice", 100);
  world.child("/outer.slice/x.service", 300, outer);
  world.cgroup("/outer.slice/y.service", 100);
  world.cgroup("/rest.slice", 100);
  expect_golden("nested", world);
}

TEST(PlanGolden, stability) {
  World world("1x1x8x1");
  world.child("/a.service", 400);
  world.child("/b.service", 200);
  world.cgroup("/rest.slice", 200);
  world.plan();
  // 400 to 200 of 600: a keeps 2 2/3 of its own CPUs, the others grow into what it gives up.
  world.node("/a.service").weight = 200;
  expect_golden("stability", world);
}

// 8 cores of two threads and 16 slower CPUs of 560/1024: 16 + 8.75 CPUs of full capacity.
TEST(PlanGolden, hybrid_two_kinds) {
  World world("8x2 + 16 cap=560");
  world.child("/latency.service", 200);
  world.child("/batch.service", 200);
  world.child("/plain.service", 200);
  world.cgroup("/rest.slice", 200);
  world.delegation("/latency.service").cores = Cores::performance;
  world.delegation("/batch.service").cores = Cores::efficiency;
  expect_golden("hybrid_two_kinds", world);
}

TEST(PlanGolden, hybrid_three_kinds) {
  World world("4 + 4 cap=768 + 2 cap=256");
  world.child("/a.service", 300);
  world.child("/exclusive.service", 200);
  world.child("/small.service", 10);
  world.cgroup("/rest.slice", 290);
  world.delegation("/exclusive.service").exclusive = true;
  world.delegation("/exclusive.service").cores = Cores::efficiency;
  world.delegation("/small.service").cores = Cores::efficiency;
  expect_golden("hybrid_three_kinds", world);
}

// As phones have it, the little ones first; a cpuset keeps one to these.
TEST(PlanGolden, hybrid_arm) {
  World world("4 cap=325 + 3 cap=828 + 1 cap=1024");
  world.child("/prime.service", 100);
  world.child("/little.service", 300);
  world.cgroup("/rest.slice", 100);
  world.delegation("/prime.service").cores = Cores::performance;
  world.delegation("/prime.service").min_cpus = 1;
  world.node("/little.service").cpus = CidSet{0, 1, 2, 3};
  expect_golden("hybrid_arm", world);
}

// A child of a hybrid machine divides what it was handed, kind by kind.
TEST(PlanGolden, hybrid_nested) {
  World world("2 + 4 cap=512");
  const auto outer = world.child("/outer.slice", 300);
  world.child("/outer.slice/x.service", 100, outer);
  world.cgroup("/outer.slice/y.service", 200);
  world.cgroup("/rest.slice", 100);
  expect_golden("hybrid_nested", world);
}

TEST(Explain, finds_cgroups_and_cpus_by_what_people_call_them) {
  World world("1x1x2x1");
  world.child("/a");
  world.topology.cids[1].cpu = 7;
  const auto& plan = world.plan();
  const auto of = [&](std::string_view subject) { return explain(plan, world.input(), subject); };
  EXPECT_EQ(std::get<CgroupExplanation>(of("/a").value()).path, "/a");
  EXPECT_EQ(std::get<CgroupExplanation>(of("/").value()).cgroup, kSelf);
  EXPECT_EQ(std::get<CidExplanation>(of("7").value()).place.cid, Cid{1});
  for (const auto* nothing : {"/b", "1", "", "x", "7x", "-1"})
    EXPECT_EQ(of(nothing).error().code, Errc::not_found) << nothing;
}

TEST(Explain, says_what_is_not_there) {
  World world("1x1x2x1");
  const auto& plan = world.plan();
  EXPECT_EQ(explain_cgroup(plan, world.input(), CgroupId{99}).error().code, Errc::not_found);
  EXPECT_EQ(explain_cid(plan, world.input(), Cid{2}).error().code, Errc::not_found);
}

TEST(Explain, names_what_limited_a_share) {
  World world("1x1x8x1");
  const auto least = world.child("/least", 100);
  const auto most = world.child("/most", 100);
  const auto confined = world.child("/confined", 1000);
  world.cgroup("/rest", 2000);
  world.delegation("/least").min_cpus = 3;
  world.delegation("/most").max_cpus = 0.1;
  world.delegation("/confined").placement = PlaceCpus{{0}};
  const auto& plan = world.plan();
  const auto limit = [&](CgroupId id) {
    return explain_cgroup(plan, world.input(), id).value().limited_by;
  };
  EXPECT_EQ(limit(least), LimitedBy::min);
  EXPECT_EQ(limit(most), LimitedBy::max);
  EXPECT_EQ(limit(confined), LimitedBy::confined);
  EXPECT_EQ(limit(kSelf), LimitedBy::others);
}

TEST(Explain, who_does_not_lend_or_borrow_is_left_out) {
  World world("1x1x4x1");
  const auto a = world.child("/a", 100);
  const auto b = world.child("/b", 100);
  world.cgroup("/rest", 200);
  world.delegation("/a").lend = Lend::nothing;
  world.delegation("/b").borrow = false;
  const auto& plan = world.plan();
  const auto of = [&](CgroupId id) {
    const auto cid = *plan.levels[0].find(id)->exclusive.begin();
    return explain_cid(plan, world.input(), cid).value().levels.at(0);
  };
  EXPECT_TRUE(of(a).may_borrow.empty());
  EXPECT_FALSE(of(a).why_not.empty());
  ASSERT_EQ(of(kSelf).may_borrow.size(), 1U);
  EXPECT_EQ(of(kSelf).may_borrow[0].cgroup, a);
  EXPECT_EQ(of(b).may_borrow.size(), 2U);
}

}  // namespace
}  // namespace fief
