// SPDX-License-Identifier: GPL-2.0-only
// Operations from a plan and the observed state: what they are, their order, and why it is safe.
#include "grants/grants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace fief {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr CgroupId kA{10};
constexpr CgroupId kB{20};

ParticipantPlan participant(CgroupId id, CidSet exclusive, SharedCids shared = {}) {
  ParticipantPlan plan;
  plan.cgroup = id;
  plan.exclusive = std::move(exclusive);
  plan.shared = std::move(shared);
  plan.lend = Lend::nothing;
  return plan;
}

LevelPlan level(std::vector<ParticipantPlan> children) {
  LevelPlan plan;
  plan.participants = {participant(kSelf, {7})};
  for (auto& child : children)
    plan.participants.push_back(std::move(child));
  return plan;
}

HeldCaps holds(const CidSet& exclusive, const CidSet& shared = {}) {
  HeldCaps caps;
  caps.by_cap[0] = exclusive | shared;
  caps.by_cap[1] = exclusive;
  caps.by_cap[2] = exclusive;
  return caps;
}

std::vector<GrantOp> operations(const LevelPlan& plan, const std::map<CgroupId, HeldCaps>& held) {
  return grant_operations(plan, held, parse_topology_spec("1x1x8x1").value());
}

// The kernel's bookkeeping, with the invariants held at every single step.
class Ledger {
 public:
  explicit Ledger(std::map<CgroupId, HeldCaps> held) : held_(std::move(held)) {}

  void run(const std::vector<GrantOp>& ops, const std::set<CgroupId>& never_without) {
    for (const auto& op : ops) {
      apply(op);
      check_owners();
      for (const auto id : never_without)
        EXPECT_FALSE(held_[id].immed().empty()) << "child " << id.value << " was left with nothing";
    }
  }

  [[nodiscard]] const std::map<CgroupId, HeldCaps>& held() const { return held_; }

 private:
  void apply(const GrantOp& op) {
    auto& caps = held_[op.child];
    for (std::size_t cap = 0; cap < caps.by_cap.size(); ++cap) {
      if ((op.caps & (1U << cap)) == 0)
        continue;
      auto& set = caps.by_cap[cap];
      // A delta grants nothing that is held and revokes nothing that is not.
      EXPECT_TRUE(op.kind == FIEF_OP_GRANT ? !set.intersects(op.cids) : op.cids.is_subset_of(set));
      if (op.kind == FIEF_OP_GRANT)
        set |= op.cids;
      else
        set -= op.cids;
    }
  }

  void check_owners() const {
    CidSet owned;
    for (const auto& [id, caps] : held_) {
      EXPECT_FALSE(owned.intersects(caps.enq())) << "two owners";
      owned |= caps.enq();
    }
  }

  std::map<CgroupId, HeldCaps> held_;
};

void expect_reached(const LevelPlan& plan, const std::map<CgroupId, HeldCaps>& held) {
  for (const auto& participant : plan.participants)
    if (participant.cgroup != kSelf) {
      EXPECT_EQ(held.at(participant.cgroup), wanted_caps(participant, lent_cids(plan)));
    }
}

TEST(WantedCaps, exclusive_and_shared) {
  auto plan = participant(kA, {0, 1}, {{Cid{2}, 100}});
  EXPECT_EQ(wanted_caps(plan, {}), holds({0, 1}, {2}));
  plan.perf = true;
  auto expected = holds({0, 1}, {2});
  expected.by_cap[3] = {0, 1};
  EXPECT_EQ(wanted_caps(plan, {}), expected);
}

TEST(WantedCaps, a_borrower_has_the_baseline_on_what_is_lent) {
  auto plan = level({participant(kA, {0}), participant(kB, {1})});
  plan.held = {0, 1, 7};
  plan.participants[1].lend = Lend::cpus;
  EXPECT_EQ(lent_cids(plan), (CidSet{0}));
  EXPECT_EQ(wanted_caps(plan.participants[2], lent_cids(plan)), holds({1}, {0}));
  plan.participants[2].borrow = false;
  EXPECT_EQ(wanted_caps(plan.participants[2], lent_cids(plan)), holds({1}));
}

TEST(GrantOperations, nothing_to_do_is_nothing) {
  const auto plan = level({participant(kA, {0, 1}, {{Cid{2}, 100}})});
  EXPECT_THAT(operations(plan, {{kA, holds({0, 1}, {2})}}), IsEmpty());
}

TEST(GrantOperations, only_differences_grouped_by_caps) {
  const auto plan = level({participant(kA, {0, 1}, {{Cid{2}, 100}})});
  EXPECT_THAT(operations(plan, {{kA, holds({0}, {})}}),
              ElementsAre(GrantOp{FIEF_OP_GRANT, kA, FIEF_CAPS_SHARED, {2}},
                          GrantOp{FIEF_OP_GRANT, kA, FIEF_CAPS_EXCLUSIVE, {1}}));
}

TEST(GrantOperations, an_owned_cid_that_becomes_shared_keeps_its_baseline) {
  const auto plan = level({participant(kA, {}, {{Cid{0}, 100}})});
  EXPECT_THAT(operations(plan, {{kA, holds({0})}}),
              ElementsAre(GrantOp{FIEF_OP_REVOKE, kA, FIEF_CAP_ENQ | FIEF_CAP_PREEMPT, {0}}));
}

TEST(GrantOperations, revokes_come_before_the_grants_they_make_room_for) {
  const auto plan = level({participant(kA, {0}), participant(kB, {1, 2})});
  EXPECT_THAT(operations(plan, {{kA, holds({0, 1})}, {kB, holds({2})}}),
              ElementsAre(GrantOp{FIEF_OP_REVOKE, kA, FIEF_CAPS_EXCLUSIVE, {1}},
                          GrantOp{FIEF_OP_GRANT, kB, FIEF_CAPS_EXCLUSIVE, {1}}));
}

TEST(GrantOperations, two_that_swap_are_never_without_and_never_both_owners) {
  const auto plan = level({participant(kA, {1}), participant(kB, {0})});
  Ledger ledger({{kA, holds({0})}, {kB, holds({1})}});
  ledger.run(operations(plan, ledger.held()), {kA, kB});
  expect_reached(plan, ledger.held());
}

TEST(GrantOperations, a_bridge_prefers_a_cid_nobody_else_holds) {
  const auto plan = level({participant(kA, {1, 2}), participant(kB, {0})});
  const auto ops = operations(plan, {{kA, holds({0})}, {kB, holds({1})}});
  ASSERT_FALSE(ops.empty());
  EXPECT_EQ(ops[0], (GrantOp{FIEF_OP_GRANT, kA, FIEF_CAP_ENQ_IMMED, {2}}));
}

TEST(GrantOperations, who_is_not_planned_for_holds_nothing) {
  Ledger ledger({{kA, holds({0}, {1})}});
  ledger.run(operations(level({}), ledger.held()), {});
  EXPECT_EQ(ledger.held().at(kA), HeldCaps{});
}

TEST(GrantOperations, each_shard_is_finished_before_the_next_begins) {
  const auto topology = parse_topology_spec("1x2x2x1").value();
  const auto plan = level({participant(kA, {0, 2}), participant(kB, {1, 3})});
  const auto ops = grant_operations(plan, {{kA, holds({0, 1})}, {kB, holds({2, 3})}}, topology);
  EXPECT_THAT(ops, ElementsAre(GrantOp{FIEF_OP_REVOKE, kA, FIEF_CAPS_EXCLUSIVE, {1}},
                               GrantOp{FIEF_OP_GRANT, kB, FIEF_CAPS_EXCLUSIVE, {1}},
                               GrantOp{FIEF_OP_REVOKE, kB, FIEF_CAPS_EXCLUSIVE, {2}},
                               GrantOp{FIEF_OP_GRANT, kA, FIEF_CAPS_EXCLUSIVE, {2}}));
}

TEST(GrantOperations, who_was_not_observed_is_granted_nothing) {
  EXPECT_THAT(operations(level({participant(kA, {0})}), {}), IsEmpty());
}

}  // namespace
}  // namespace fief
