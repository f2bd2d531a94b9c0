// SPDX-License-Identifier: GPL-2.0-only
// Delegations confined to CPUs whose lists overlap in any way: what can be met is met, by the word
// of a maximum flow that knows nothing of how plans are made.
#include <gtest/gtest.h>

#include "property/flow_oracle.hpp"
#include "property/generators.hpp"
#include "support/world.hpp"

namespace fief::test {
namespace {

struct Confined {
  World world;
  std::vector<CgroupId> ids;
  std::vector<std::vector<int>> allowed;  // cids, by child
};

Confined random_confined() {
  Confined out{World(fmt::format("1x1x{}x1", *rc::gen::inRange(2, 9))), {}, {}};
  auto& world = out.world;
  const auto cpus = world.topology.nr_cids();
  const auto children = *rc::gen::inRange(1, 6);
  for (int i = 0; i < children; ++i) {
    const auto path = fmt::format("/c{}", i);
    out.ids.push_back(world.child(path, random_weight()));
    PlaceCpus place;
    out.allowed.emplace_back();
    for (std::uint32_t cpu = 0; cpu < cpus; ++cpu)
      if (*rc::gen::inRange(0, 2) == 0) {
        place.cpus.insert(Cid{cpu});
        out.allowed.back().push_back(static_cast<int>(cpu));
      }
    RC_PRE(!place.cpus.empty());
    // By the policy, by a cpuset, or by both.
    const auto means = *rc::gen::inRange(0, 3);
    if (means != 0)
      world.node(path).cpus = place.cpus;
    if (means != 1)
      world.delegation(path).placement = place;
  }
  world.cgroup("/rest", random_weight());
  return out;
}

TEST(PlanConfinement, minima_that_fit_are_met_and_others_are_refused) {
  EXPECT_TRUE(rc::check("feasible", [] {
    auto [world, ids, allowed] = random_confined();
    const auto cpus = static_cast<int>(world.topology.nr_cids());
    // In quarters of a CPU; the root keeps nothing that could stand in the way.
    world.policy.root.min_cpus = 0;
    std::vector<int> amounts;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto quarters = *rc::gen::inRange(0, 2 * cpus);
      world.delegation(fmt::format("/c{}", i)).min_cpus = quarters / 4.0;
      amounts.push_back(std::max(1, quarters * int{kCpuUnit} / 4));
    }
    const std::vector<int> bins(static_cast<std::size_t>(cpus), int{kCpuUnit});
    // Whoever has no minimum of its own, the root too, has a unit.
    amounts.push_back(1);
    allowed.emplace_back();
    for (int cpu = 0; cpu < cpus; ++cpu)
      allowed.back().push_back(cpu);
    const auto plan = world.make();
    if (plan.has_value() != fits(amounts, allowed, bins))
      RC_FAIL(fmt::format("{}\n{}", plan ? "planned" : plan.error().message, describe(world)));
    if (!plan)
      return;
    world.in_force = *plan;
    const auto checked = check_plan(*plan, world.input());
    if (!checked)
      RC_FAIL(checked.error().message + "\n" + describe(world));
  }));
}

TEST(PlanConfinement, nobody_can_have_more_but_from_one_who_has_less) {
  EXPECT_TRUE(rc::check("fairness", [] {
    auto [world, ids, allowed] = random_confined();
    world.policy.root.min_cpus = 0;
    const auto made = world.make();
    RC_ASSERT(made.has_value());
    const auto& level = made->levels[0];
    // Water levels: who could take time of another, on a cid both may use, is not below it.
    for (std::size_t i = 0; i < ids.size(); ++i)
      for (const auto& other : level.participants) {
        const auto& mine = *level.find(ids[i]);
        if (other.cgroup == ids[i] || other.cgroup == kSelf)
          continue;
        auto has = other.exclusive;
        for (const auto& share : other.shared)
          has.insert(share.cid);
        const bool in_reach = std::ranges::any_of(allowed[i], [&](int cid) {
          return has.contains(Cid{static_cast<std::uint32_t>(cid)});
        });
        const auto height = [](const ParticipantPlan& part) {
          return static_cast<double>(part.entitlement.cpus) /
                 static_cast<double>(part.entitlement.by_weight);
        };
        // A unit or two by rounding, over the smallest share.
        const auto slack = 3.0 / static_cast<double>(std::min(mine.entitlement.by_weight,
                                                              other.entitlement.by_weight));
        if (in_reach && height(mine) * (1 + slack) + slack < height(other))
          RC_FAIL(fmt::format("{} has less than {}\n{}\n{}", ids[i].value, other.cgroup.value,
                              describe(level), describe(world)));
      }
  }));
}

TEST(PlanConfinement, exclusive_ones_get_whole_cpus_or_a_reason) {
  EXPECT_TRUE(rc::check("exclusive", [] {
    auto [world, ids, allowed] = random_confined();
    for (auto& delegation : world.policy.delegations)
      delegation.exclusive = *rc::gen::inRange(0, 3) == 0;
    for (int i = 0; i < 3; ++i) {
      const auto plan = world.make();
      if (!plan)
        RC_ASSERT(plan.error().code == Errc::infeasible);
      RC_PRE(plan.has_value());
      world.in_force = *plan;
      const auto checked = check_plan(*plan, world.input());
      if (!checked)
        RC_FAIL(checked.error().message + "\n" + describe(world));
      random_change(world, {.confined = true});
    }
  }));
}

}  // namespace
}  // namespace fief::test
