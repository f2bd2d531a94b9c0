// SPDX-License-Identifier: GPL-2.0-only
// What holds for every plan, over random worlds and random changes.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "plan/plan.hpp"
#include "property/flow_oracle.hpp"
#include "property/generators.hpp"
#include "support/world.hpp"

namespace fief::test {
namespace {

constexpr Features kPlain{.max_threads = 2,
                          .limits = false,
                          .exclusive = false,
                          .split = false,
                          .confined = false,
                          .nested = false,
                          .offline = false};

// The plan, or an end of this case where the demands cannot be met.
const Plan& plan_or_discard(World& world) {
  auto made = world.make();
  if (!made)
    RC_ASSERT(made.error().code == Errc::infeasible);
  RC_PRE(made.has_value());
  world.in_force = std::move(*made);
  return *world.in_force;
}

void assert_checked(const World& world) {
  const auto checked = check_plan(*world.in_force, world.input());
  if (!checked)
    RC_FAIL(checked.error().message + "\n" + describe(world));
}

void property(const char* name, const std::function<void()>& body) {
  EXPECT_TRUE(rc::check(name, body));
}

TEST(PlanProperty, every_plan_passes_the_check) {
  property("check_plan accepts what make_plan makes", [] {
    const Features all{.confined = true};
    auto world = random_world(all);
    plan_or_discard(world);
    assert_checked(world);
    const auto changes = *rc::gen::inRange(1, 6);
    for (int i = 0; i < changes; ++i) {
      random_change(world, all);
      plan_or_discard(world);
      assert_checked(world);
    }
  });
}

// The rule of cgroup v2 in a second, independent form: relative to the sum at each level.
double due_by_weight(const World& world, CgroupId id) {
  const auto& nodes = world.cgroups.nodes;
  auto at = std::ranges::find(nodes, id, &CgroupNode::id);
  double share = world.topology.nr_cids();
  while (at != nodes.begin()) {
    double sum = 0;
    for (auto sibling = nodes.begin() + 1; sibling != nodes.end(); ++sibling)
      sum += sibling->parent == at->parent ? sibling->weight : 0;
    share *= at->weight / sum;
    at = nodes.begin() + at->parent;
  }
  return share;
}

TEST(PlanProperty, whole_cpus_and_fractions_are_what_the_weights_give) {
  property("quota", [] {
    auto world = random_world(kPlain);
    world.policy.root.min_cpus = 0;
    const auto& level = plan_or_discard(world).levels[0];
    for (const auto& participant : level.participants) {
      if (participant.cgroup == kSelf)
        continue;
      const auto due = due_by_weight(world, participant.cgroup) * double{kCpuUnit};
      // Everybody has at least a unit; the others pay for it.
      const auto slack = 1.0 + static_cast<double>(level.participants.size());
      RC_ASSERT(std::abs(static_cast<double>(time_of(participant)) - due) <= slack);
    }
  });
}

TEST(PlanProperty, equal_input_gives_equal_plans) {
  property("determinism", [] {
    auto world = random_world({});
    plan_or_discard(world);
    random_change(world, {});
    const auto once = world.make();
    std::ranges::reverse(world.attachments);
    const auto again = world.make();
    RC_ASSERT(once.has_value() == again.has_value());
    if (once)
      RC_ASSERT(same_decisions(*once, *again));
  });
}

TEST(PlanProperty, unrelated_changes_move_nothing) {
  property("stability", [] {
    auto world = random_world({});
    plan_or_discard(world);
    random_change(world, {});
    const auto before = plan_or_discard(world);
    world.cgroup("/quiet", 5000);
    world.node("/quiet").populated = false;
    RC_ASSERT(same_decisions(before, plan_or_discard(world)));
  });
}

// Owners of a level's cids, by participant, and how many each owns.
struct Ownership {
  std::vector<int> owner;
  std::vector<int> count;
};

Ownership ownership(const LevelPlan& owners, const LevelPlan& numbering, std::uint32_t cids) {
  Ownership out{std::vector<int>(cids, -1), std::vector<int>(numbering.participants.size(), 0)};
  for (std::size_t i = 0; i < numbering.participants.size(); ++i) {
    const auto* found = owners.find(numbering.participants[i].cgroup);
    if (found == nullptr)
      continue;
    for (const auto cid : found->exclusive)
      out.owner[cid.value] = static_cast<int>(i);
    out.count[i] = static_cast<int>(found->exclusive.size());
  }
  return out;
}

int count_moves(const std::vector<int>& before, const std::vector<int>& after) {
  int moves = 0;
  for (std::size_t cid = 0; cid < after.size(); ++cid)
    moves += after[cid] != -1 && after[cid] != before[cid] ? 1 : 0;
  return moves;
}

// @p owners: whose cids count, of a level and by the numbers of the later one.
template <class Owners>
void assert_least_moves(const World& world, const LevelPlan& before, const LevelPlan& after,
                        Owners owners) {
  const auto cids = world.topology.nr_cids();
  const auto old = owners(before, after, cids);
  const auto now = owners(after, after, cids);
  const auto moves = count_moves(old.owner, now.owner);
  const auto least = least_moves(old.owner, now.count);
  if (moves != least)
    RC_FAIL(fmt::format("{} moves, {} would do\n{}{}", moves, least, describe(before),
                        describe(world)));
}

TEST(PlanProperty, moves_are_the_minimum_cost_flow) {
  property("moves", [] {
    const Features features{
        .limits = true, .exclusive = true, .split = false, .nested = false, .offline = false};
    auto world = random_world(features);
    plan_or_discard(world);
    const auto changes = *rc::gen::inRange(1, 8);
    for (int i = 0; i < changes; ++i) {
      const auto before = *world.in_force;
      random_change(world, features);
      const auto& after = plan_or_discard(world);
      assert_least_moves(world, before.levels[0], after.levels[0], ownership);
    }
  });
}

// The shared cids as one more participant, last: they too should stay what they are.
Ownership with_pool(const LevelPlan& owners, const LevelPlan& numbering, std::uint32_t cids) {
  auto out = ownership(owners, numbering, cids);
  const auto pool = static_cast<int>(out.count.size());
  std::set<Cid> shared;
  for (const auto& participant : owners.participants)
    for (const auto& share : participant.shared)
      shared.insert(share.cid);
  for (const auto cid : shared)
    out.owner[cid.value] = pool;
  out.count.push_back(static_cast<int>(shared.size()));
  return out;
}

TEST(PlanProperty, shared_cids_move_no_more_than_the_minimum_cost_flow_either) {
  property("shared moves", [] {
    const Features features{.max_threads = 1, .split = false, .nested = false};
    auto world = random_world(features);
    plan_or_discard(world);
    const auto changes = *rc::gen::inRange(1, 8);
    for (int i = 0; i < changes; ++i) {
      const auto before = world.in_force->levels[0];
      random_change(world, features);
      const auto& after = plan_or_discard(world).levels[0];
      assert_least_moves(world, before, after, with_pool);
    }
  });
}

// Water-filling in a second, independent form: halving the interval in which the level lies.
TEST(PlanProperty, limits_are_kept_and_the_rest_is_divided_by_weight) {
  property("limits", [] {
    auto features = kPlain;
    features.limits = true;
    auto world = random_world(features);
    world.policy.root.min_cpus = 0;
    const auto& level = plan_or_discard(world).levels[0];
    const auto total = double{kCpuUnit} * world.topology.nr_cids();
    struct Claim {
      double share, least, most;
    };
    std::vector<Claim> claims{{0, 1, 1e18}};
    double shares = 0;
    for (std::size_t i = 1; i < level.participants.size(); ++i) {
      const auto id = level.participants[i].cgroup;
      const auto& node = *std::ranges::find(world.cgroups.nodes, id, &CgroupNode::id);
      const auto& wish = world.delegation(node.path);
      const auto share = due_by_weight(world, id) / world.topology.nr_cids();
      shares += share;
      claims.push_back({share, std::max(1.0, wish.min_cpus.value_or(0) * kCpuUnit),
                        wish.max_cpus ? std::max(1.0, *wish.max_cpus * kCpuUnit) : 1e18});
    }
    claims[0].share = std::max(0.0, 1 - shares);
    const auto part = [&](const Claim& claim, double water) {
      return std::clamp(claim.share * water, claim.least, claim.most);
    };
    double low = 0;
    double high = 1e16;
    for (int i = 0; i < 200; ++i) {
      const auto water = (low + high) / 2;
      double sum = 0;
      for (const auto& claim : claims)
        sum += part(claim, water);
      (sum < total ? low : high) = water;
    }
    // Rounding, and a share of nothing at all that is the rest of one.
    for (std::size_t i = 1; i < claims.size(); ++i) {
      const auto due = static_cast<double>(level.participants[i].entitlement.cpus);
      const auto wanted = part(claims[i], low);
      if (std::abs(due - wanted) > 2 + 1e-6 * total && claims[0].share > 1e-9)
        RC_FAIL(fmt::format("{} is due {}, not {}\n{}", i, due, wanted, describe(world)));
    }
  });
}

TEST(PlanProperty, nobody_starves_on_any_level) {
  property("starving", [] {
    auto world = random_world({.confined = true});
    for (const auto& level : plan_or_discard(world).levels) {
      CpuTime sum = 0;
      for (const auto& participant : level.participants) {
        RC_ASSERT(time_of(participant) > 0U);
        RC_ASSERT(time_of(participant) == participant.entitlement.cpus);
        sum += time_of(participant);
      }
      // A child level divides what the level above gives it, to the unit.
      for (const auto& above : world.in_force->levels)
        if (const auto* child = above.find(level.scheduler);
            child != nullptr && level.scheduler != kSelf)
          RC_ASSERT(sum == child->entitlement.cpus);
    }
  });
}

TEST(PlanProperty, a_cpu_more_takes_from_nobody_beyond_its_entitlement) {
  property("monotonicity", [] {
    auto world = random_world(kPlain);
    RC_PRE(world.topology.nr_cids() > 1);
    const auto cid = *rc::gen::inRange(0U, world.topology.nr_cids());
    world.topology.cids[cid].online = false;
    const auto before = plan_or_discard(world).levels[0];
    world.topology.cids[cid].online = true;
    const auto& after = plan_or_discard(world).levels[0];
    for (std::size_t i = 0; i < before.participants.size(); ++i) {
      const auto& old = before.participants[i];
      const auto& now = after.participants[i];
      RC_ASSERT(now.entitlement.cpus + 1 >= old.entitlement.cpus);
      if (world.topology.core_siblings(Cid{0}).size() == 1) {
        const auto kept = (old.exclusive & now.exclusive).size();
        RC_ASSERT(kept == std::min(old.exclusive.size(), now.exclusive.size()));
      }
    }
  });
}

// A core that two owners may not divide is one place: both have a part of each of its threads.
std::size_t shared_cores(const ParticipantPlan& participant, const Topology& topology) {
  std::set<std::uint32_t> cores;
  for (const auto& share : participant.shared)
    cores.insert(topology.cids[share.cid.value].core);
  return cores.size();
}

TEST(PlanProperty, nobody_starves_and_shares_lie_on_two_cores_at_most) {
  property("shares", [] {
    auto features = kPlain;
    features.split = *rc::gen::arbitrary<bool>();
    auto world = random_world(features);
    plan_or_discard(world);
    const auto changes = *rc::gen::inRange(0, 4);
    for (int i = 0; i < changes; ++i) {
      random_change(world, features);
      plan_or_discard(world);
    }
    for (const auto& participant : world.in_force->levels[0].participants) {
      RC_ASSERT(time_of(participant) > 0U);
      if (shared_cores(participant, world.topology) > 2U)
        RC_FAIL(describe(world));
    }
  });
}

TEST(PlanProperty, whole_cpus_first_where_cores_have_one_thread) {
  property("wholes", [] {
    auto features = kPlain;
    features.max_threads = 1;
    features.limits = true;
    auto world = random_world(features);
    for (const auto& participant : plan_or_discard(world).levels[0].participants)
      RC_ASSERT(participant.exclusive.size() == participant.entitlement.cpus / kCpuUnit);
  });
}

TEST(PlanProperty, cores_have_one_owner_unless_all_allow_more) {
  property("cores", [] {
    auto features = kPlain;
    features.max_threads = *rc::gen::element(2U, 4U);
    features.split = true;
    auto world = random_world(features);
    const auto& level = plan_or_discard(world).levels[0];
    std::map<std::uint32_t, std::set<CgroupId>> owners;
    for (const auto& participant : level.participants)
      for (const auto cid : participant.exclusive)
        owners[world.topology.cids[cid.value].core].insert(participant.cgroup);
    for (const auto& [core, who] : owners) {
      if (who.size() == 1)
        continue;
      for (const auto id : who) {
        const auto node = std::ranges::find(world.cgroups.nodes, id, &CgroupNode::id);
        const bool allows = id == kSelf || world.delegation(node->path).smt == Smt::split;
        RC_ASSERT(allows);
      }
    }
  });
}

TEST(PlanProperty, many_small_shares_stay_within_the_sharers_of_a_cid) {
  property("sharers", [] {
    World world(fmt::format("1x1x{}x1", *rc::gen::inRange(4, 64)));
    const auto children = *rc::gen::inRange(10, 200);
    for (int i = 0; i < children; ++i)
      world.child(fmt::format("/c{}", i), random_weight());
    const auto made = world.make();
    // Enough places for all must be enough for a plan: 8 of 16 a cid leave room to pack.
    if (static_cast<std::uint32_t>(children) < 8 * world.topology.nr_cids())
      if (!made)
        RC_FAIL(made.error().message + "\n" + describe(world));
    RC_PRE(made.has_value());
    world.in_force = *made;
    assert_checked(world);
  });
}

}  // namespace
}  // namespace fief::test
