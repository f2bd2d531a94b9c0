// SPDX-License-Identifier: GPL-2.0-only
// Plans a person can check by hand, one a rule: tests/golden/plan/RULE.txt holds what explain says
// of every participant. With FIEF_UPDATE_GOLDEN set the files are written instead of compared.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "plan/explain.hpp"
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
  const auto file = std::string(FIEF_GOLDEN_DIR) + "/plan/" + rule + ".txt";
  const auto text = explain_all(world);
  if (std::getenv("FIEF_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(file) << text;
    return;
  }
  std::ostringstream golden;
  golden << std::ifstream(file).rdbuf();
  EXPECT_EQ(text, golden.str()) << file;
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
  world.delegation("/a").lend = false;
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
