// SPDX-License-Identifier: GPL-2.0-only
// What holds from plan to plan: who flaps or returns finds its CPUs, and nothing else moves.
#include <gtest/gtest.h>

#include <map>

#include "plan/placement/memory.hpp"
#include "property/generators.hpp"
#include "support/world.hpp"

namespace fief::test {
namespace {

constexpr Features kPlain{.max_threads = 1,
                          .limits = false,
                          .exclusive = false,
                          .split = false,
                          .confined = false,
                          .nested = false,
                          .offline = false};

const Plan& plan_or_discard(World& world) {
  auto made = world.make();
  RC_PRE(made.has_value());
  world.in_force = std::move(*made);
  return *world.in_force;
}

void property(const char* name, const std::function<void()>& body) {
  EXPECT_TRUE(rc::check(name, body));
}

using Owned = std::map<CgroupId, CidSet>;

Owned owned(const LevelPlan& level) {
  Owned out;
  for (const auto& participant : level.participants)
    out[participant.cgroup] = participant.exclusive;
  return out;
}

CgroupNode& any_child(World& world) {
  RC_PRE(!world.attachments.empty());
  const auto at = *rc::gen::inRange<std::size_t>(0, world.attachments.size());
  const auto id = world.attachments[at].cgroup;
  return *std::ranges::find(world.cgroups.nodes, id, &CgroupNode::id);
}

TEST(PlanStability, a_flapping_weight_moves_the_same_cids_back_and_forth) {
  property("flapping", [] {
    auto world = random_world(kPlain);
    auto& child = any_child(world);
    const auto calm = child.weight;
    const auto other = random_weight();
    auto first = owned(plan_or_discard(world).levels[0]);
    Owned second;
    for (int round = 0; round < 4; ++round) {
      world.now += Instant{10};
      child.weight = other;
      const auto there = owned(plan_or_discard(world).levels[0]);
      world.now += Instant{10};
      child.weight = calm;
      const auto back = owned(plan_or_discard(world).levels[0]);
      if (back != first || (round > 0 && there != second))
        RC_FAIL(fmt::format("round {}\n{}", round, describe(world)));
      second = there;
    }
  });
}

TEST(PlanStability, who_returns_finds_its_place_under_a_new_id) {
  property("returning", [] {
    auto world = random_world(kPlain);
    auto& child = any_child(world);
    const auto before = owned(plan_or_discard(world).levels[0]);
    const auto old = child.id;
    const auto at = std::ranges::find(world.attachments, old, &Attachment::cgroup);
    const auto parent = at->parent;
    world.attachments.erase(at);
    child.populated = false;
    // Long enough for those who grew into its place to be at home there.
    world.now += 3 * kSettleTime;
    plan_or_discard(world);
    world.now += 3 * kSettleTime;
    plan_or_discard(world);
    child.id = CgroupId{1000};
    child.populated = true;
    world.attachments.push_back({child.id, parent, false});
    auto after = owned(plan_or_discard(world).levels[0]);
    if (after[child.id] != before.at(old))
      RC_FAIL(fmt::format("had {}, has {}\n{}", before.at(old).to_string(),
                          after[child.id].to_string(), describe(world)));
  });
}

TEST(PlanStability, who_returns_at_once_disturbs_nobody_for_good) {
  property("restarting", [] {
    auto features = kPlain;
    features.max_threads = 2;
    auto world = random_world(features);
    auto& child = any_child(world);
    const auto before = plan_or_discard(world);
    const auto old = child.id;
    const auto attachments = world.attachments;
    world.detach(old);
    child.populated = false;
    plan_or_discard(world);
    child.populated = true;
    world.attachments = attachments;
    const auto& after = plan_or_discard(world);
    int elsewhere = 0;
    for (const auto& participant : after.levels[0].participants) {
      const auto* had = before.levels[0].find(participant.cgroup);
      elsewhere += static_cast<int>((participant.exclusive - had->exclusive).size());
    }
    const bool threads = world.topology.core_siblings(Cid{0}).size() > 1;
    if (elsewhere > 0 && !threads)
      RC_FAIL(fmt::format("{} cids elsewhere\n{}\n{}", elsewhere, describe(before.levels[0]),
                          describe(world)));
  });
}

TEST(PlanStability, memory_is_bounded) {
  property("memory", [] {
    auto world = random_world(kPlain);
    plan_or_discard(world);
    const auto changes = *rc::gen::inRange(1, 20);
    for (int i = 0; i < changes; ++i) {
      world.now += Instant{*rc::gen::inRange(0, 40)};
      random_change(world, kPlain);
      const auto& memory = plan_or_discard(world).memory;
      RC_ASSERT(memory.size() == world.in_force->levels.size());
      RC_ASSERT(memory[0].uses.size() <= world.topology.cids.size());
      for (const auto& use : memory[0].uses)
        RC_ASSERT(on_loan(use.since, world.now));
      for (const auto& place : memory[0].places)
        for (const auto& participant : world.in_force->levels[0].participants)
          if (participant.cgroup != kSelf)
            RC_ASSERT(participant.entitlement.chain.back().path != place.path);
    }
  });
}

}  // namespace
}  // namespace fief::test
