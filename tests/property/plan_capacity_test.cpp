// SPDX-License-Identifier: GPL-2.0-only
// Machines whose CPUs are not all equally fast: what is due is work.
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "property/generators.hpp"
#include "support/world.hpp"

namespace fief::test {
namespace {

// A capacity for each core, of a few kinds or of any.
void make_hybrid(World& world) {
  const bool any = *rc::gen::inRange(0, 4) == 0;
  const std::array<std::uint32_t, 3> kinds{kFullCapacity, *rc::gen::inRange(1U, kFullCapacity + 1),
                                           *rc::gen::inRange(1U, kFullCapacity + 1)};
  std::uint32_t capacity = 0;
  for (auto& info : world.topology.cids) {
    const bool new_core =
        info.cid.value == 0 || world.topology.cids[info.cid.value - 1].core != info.core;
    if (new_core)
      capacity = any ? *rc::gen::inRange(1U, kFullCapacity + 1)
                     : kinds.at(*rc::gen::inRange<std::size_t>(0, kinds.size()));
    info.capacity = capacity;
  }
  normalise_capacities(world.topology);
}

void prefer_some_cores(World& world) {
  for (auto& delegation : world.policy.delegations)
    delegation.cores = *rc::gen::element(Cores::any, Cores::performance, Cores::efficiency);
}

// Rounding to time: two units on each kind of CPUs in each region, one for each part of a cid held;
// neither are more than there are cids.
CpuTime rounding(const World& world) {
  return CpuTime{3} * kFullCapacity * world.topology.nr_cids();
}

void assert_work_is_due(const World& world) {
  const auto slack = rounding(world);
  for (const auto& level : world.in_force->levels)
    for (const auto& participant : level.participants) {
      const auto work = work_of(participant, world.topology);
      const auto due = participant.entitlement.cpus * kFullCapacity;
      if (work + slack < due || due + slack < work)
        RC_FAIL(fmt::format("{} has {} and is due {}\n{}", participant.cgroup.value, work, due,
                            describe(world)));
    }
}

void property(const char* name, const std::function<void()>& body) {
  EXPECT_TRUE(rc::check(name, body));
}

void plan_hybrid(World& world) {
  const auto made = world.make();
  RC_PRE(made.has_value());
  world.in_force = *made;
  if (const auto checked = check_plan(*world.in_force, world.input()); !checked)
    RC_FAIL(checked.error().message + "\n" + describe(world));
}

TEST(PlanCapacity, everybody_gets_the_work_that_is_due_whatever_the_capacities) {
  property("capacity", [] {
    const Features features{.confined = *rc::gen::arbitrary<bool>()};
    auto world = random_world(features);
    make_hybrid(world);
    prefer_some_cores(world);
    plan_hybrid(world);
    assert_work_is_due(world);
    const auto changes = *rc::gen::inRange(0, 4);
    for (int i = 0; i < changes; ++i) {
      random_change(world, features);
      plan_hybrid(world);
      assert_work_is_due(world);
    }
  });
}

TEST(PlanCapacity, a_plan_that_is_in_force_stays) {
  property("capacity, at rest", [] {
    auto world = random_world({});
    make_hybrid(world);
    prefer_some_cores(world);
    plan_hybrid(world);
    const auto again = world.make();
    RC_ASSERT(again.has_value());
    if (!same_decisions(*again, *world.in_force))
      RC_FAIL(describe(world) + describe(again->levels[0]));
  });
}

TEST(PlanCapacity, equal_cpus_are_planned_as_if_nobody_knew_their_capacity) {
  property("capacity, equal", [] {
    auto world = random_world({.confined = true});
    const auto known = world.make();
    prefer_some_cores(world);
    for (auto& info : world.topology.cids)
      info.capacity = 300;
    normalise_capacities(world.topology);
    const auto preferring = world.make();
    RC_ASSERT(known.has_value() == preferring.has_value());
    if (known)
      RC_ASSERT(same_decisions(*known, *preferring));
  });
}

}  // namespace
}  // namespace fief::test
