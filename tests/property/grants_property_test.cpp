// SPDX-License-Identifier: GPL-2.0-only
// Grant operations on the model kernel, one at a time: from whatever an interrupted earlier change
// left to the next plan, with every rule held at every step.
#include "grants/grants.hpp"

#include <gtest/gtest.h>

#include "property/generators.hpp"
#include "support/model_kernel.hpp"
#include "support/world.hpp"

namespace fief::test {
namespace {

using Held = std::map<CgroupId, HeldCaps>;

// The kernel refuses more than four levels.
void expect_done(const Status& status) {
  RC_PRE(status.has_value());
}

// The kernel with everybody attached who is in the world.
class Kernel {
 public:
  explicit Kernel(const World& world)
      : model_(world.topology, [](const std::function<void()>& run) { run(); }) {
    model_.load_root({}, expect_done);
    for (const auto& attachment : world.attachments) {
      const auto node = std::ranges::find(world.cgroups.nodes, attachment.cgroup, &CgroupNode::id);
      model_.add_cgroup(attachment.cgroup, node->path);
      model_.attach({attachment.cgroup, node->path, "fair", {}}, expect_done);
    }
  }

  [[nodiscard]] Held held_below(CgroupId scheduler) {
    Held held;
    const auto observed = model_.observe().value();
    for (const auto& item : observed.schedulers)
      if (item.cgroup != kSelf && item.parent == scheduler)
        held[item.cgroup] = item.held;
    return held;
  }

  void step(const LevelPlan& level, const GrantOp& op) {
    const auto refused = model_.apply(level, {op}, 1);
    RC_ASSERT(refused.has_value());
    RC_ASSERT(refused->empty());
    if (!model_.violations().empty())
      RC_FAIL(model_.violations().front());
  }

 private:
  ModelKernel model_;
};

// A delta: nothing is granted that is held, nothing revoked that is not.
void assert_delta(const GrantOp& op, const Held& held) {
  RC_ASSERT(!op.cids.empty());
  for (std::size_t cap = 0; cap < FIEF_NR_CAPS; ++cap) {
    if ((op.caps & (1U << cap)) == 0)
      continue;
    const auto& set = held.at(op.child).by_cap.at(cap);
    const bool is_delta =
        op.kind == FIEF_OP_GRANT ? !set.intersects(op.cids) : op.cids.is_subset_of(set);
    RC_ASSERT(is_delta);
  }
}

// After the bridges, each shard is finished before the next, with its revokes first.
void assert_shard_by_shard(const std::vector<GrantOp>& ops, const Topology& topology) {
  std::size_t begin = 0;
  while (begin < ops.size() && ops[begin].kind == FIEF_OP_GRANT &&
         ops[begin].caps == FIEF_CAP_ENQ_IMMED && ops[begin].cids.size() == 1)
    ++begin;
  std::optional<std::pair<std::uint32_t, bool>> last;
  for (const auto& op : std::span(ops).subspan(begin)) {
    const auto shard = topology.cids[(*op.cids.begin()).value].shard;
    for (const auto cid : op.cids)
      RC_ASSERT(topology.cids[cid.value].shard == shard);
    const std::pair now{shard, op.kind == FIEF_OP_GRANT};
    const bool in_order = !last || *last <= now;
    RC_ASSERT(in_order);
    last = now;
  }
}

// Who holds cids and is to hold some, must hold one at every moment.
void assert_never_without(const LevelPlan& level, const Held& before, const Held& now) {
  const auto lent = lent_cids(level);
  for (const auto& participant : level.participants) {
    const auto was = before.find(participant.cgroup);
    if (was == before.end() || was->second.immed().empty() ||
        wanted_caps(participant, lent).immed().empty())
      continue;
    if (now.at(participant.cgroup).immed().empty())
      RC_FAIL(fmt::format("{} was left without any CPU", participant.cgroup.value));
  }
}

// Carries out at most @p steps operations towards @p level; true if that was all.
bool advance(Kernel& kernel, const LevelPlan& level, const Topology& topology, std::size_t steps) {
  const auto before = kernel.held_below(level.scheduler);
  const auto ops = grant_operations(level, before, topology);
  assert_shard_by_shard(ops, topology);
  for (std::size_t i = 0; i < std::min(ops.size(), steps); ++i) {
    assert_delta(ops[i], kernel.held_below(level.scheduler));
    kernel.step(level, ops[i]);
    assert_never_without(level, before, kernel.held_below(level.scheduler));
  }
  return steps >= ops.size();
}

// Downwards: a revoke reaches the levels below, which then get theirs. Stops somewhere.
void interrupted(Kernel& kernel, const Plan& plan, const Topology& topology) {
  for (const auto& level : plan.levels)
    if (!advance(kernel, level, topology, *rc::gen::inRange<std::size_t>(0, 60)))
      return;
}

void assert_reached(Kernel& kernel, const LevelPlan& level, const Topology& topology) {
  const auto held = kernel.held_below(level.scheduler);
  const auto lent = lent_cids(level);
  for (const auto& participant : level.participants)
    if (participant.cgroup != kSelf)
      RC_ASSERT(held.at(participant.cgroup) == wanted_caps(participant, lent));
  RC_ASSERT(grant_operations(level, held, topology).empty());
}

void random_borrowing(World& world) {
  for (auto& delegation : world.policy.delegations) {
    delegation.lend = *rc::gen::element(Lend::cpus, Lend::cores, Lend::nothing);
    delegation.borrow = *rc::gen::inRange(0, 3) != 0;
    delegation.perf = *rc::gen::inRange(0, 4) == 0;
  }
}

TEST(GrantsProperty, every_step_is_safe_and_the_last_one_arrives) {
  EXPECT_TRUE(rc::check("grants", [] {
    const Features features{.confined = true};
    auto world = random_world(features);
    random_borrowing(world);
    const auto first = world.make();
    RC_PRE(first.has_value());
    Kernel kernel(world);
    // Weights only: who is attached stays attached.
    const auto changes = *rc::gen::inRange(1, 4);
    for (int i = 0; i < changes; ++i) {
      interrupted(kernel, *first, world.topology);
      for (const auto& attachment : world.attachments)
        if (*rc::gen::inRange(0, 3) == 0)
          std::ranges::find(world.cgroups.nodes, attachment.cgroup, &CgroupNode::id)->weight =
              random_weight();
      random_borrowing(world);
      if (*rc::gen::arbitrary<bool>())
        world.in_force.reset();
      auto next = world.make();
      RC_PRE(next.has_value());
      world.in_force = *next;
      interrupted(kernel, *next, world.topology);
    }
    for (const auto& level : world.in_force->levels) {
      RC_ASSERT(advance(kernel, level, world.topology, SIZE_MAX));
      assert_reached(kernel, level, world.topology);
    }
  }));
}

}  // namespace
}  // namespace fief::test
