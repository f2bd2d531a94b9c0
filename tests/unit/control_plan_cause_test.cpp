// SPDX-License-Identifier: GPL-2.0-only
// Why there is another plan, told from it and the one before.
#include "control/plan/plan_cause.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fief {
namespace {

using testing::EndsWith;

ParticipantPlan participant(std::uint64_t id, const std::string& path, std::uint64_t weight,
                            std::uint64_t siblings = 1000) {
  ParticipantPlan plan;
  plan.cgroup = CgroupId{id};
  plan.entitlement.chain = {
      {.cgroup = CgroupId{1}, .path = "/s", .weight = 100},
      {.cgroup = CgroupId{id}, .path = path, .weight = weight, .sibling_weights = siblings}};
  return plan;
}

Plan plan_of(std::vector<ParticipantPlan> children) {
  LevelPlan level;
  level.held = {0, 1, 2, 3};
  level.participants = {ParticipantPlan{}};
  for (auto& child : children)
    level.participants.push_back(std::move(child));
  Plan plan;
  plan.levels = {level};
  return plan;
}

TEST(PlanCause, SaysWhoJoinedAndLeft) {
  const auto one = plan_of({participant(2, "/s/a", 100)});
  const auto two = plan_of({participant(2, "/s/a", 100), participant(3, "/s/b", 100)});
  EXPECT_EQ(cause_of(one, two).text, "/s/b has joined");
  EXPECT_EQ(cause_of(one, two).cgroup, "/s/b");
  EXPECT_EQ(cause_of(two, one).text, "/s/b has left");
  const auto other = plan_of({participant(4, "/s/c", 100)});
  EXPECT_EQ(cause_of(one, other).text, "/s/c has joined; /s/a has left");
  EXPECT_EQ(cause_of(one, other).cgroup, "");
}

TEST(PlanCause, SaysWhatAWeightWasOnce) {
  auto before = plan_of({participant(2, "/s/a", 100), participant(3, "/s/b", 100)});
  auto now = before;
  for (auto& child : now.levels[0].participants)
    if (child.cgroup != kSelf)
      child.entitlement.chain[0].weight = 300;
  EXPECT_EQ(cause_of(before, now).text, "the weight of /s is 300 and was 100");
  EXPECT_EQ(cause_of(before, now).cgroup, "/s");
}

TEST(PlanCause, SaysWhichLimitIsAnother) {
  const auto before = plan_of({participant(2, "/s/a", 100)});
  auto now = before;
  auto& due = now.levels[0].participants[1].entitlement;
  due.min = kCpuUnit * 2;
  EXPECT_EQ(cause_of(before, now).text, "the minimum of /s/a is 2 and was none");
  due.min.reset();
  due.cpuset = CidSet{1};
  EXPECT_EQ(cause_of(before, now).text, "the cpuset of /s/a is another");
}

TEST(PlanCause, TellsThreeAndCountsTheRest) {
  const auto before = plan_of({});
  const auto now =
      plan_of({participant(2, "/a", 1), participant(3, "/b", 1), participant(4, "/c", 1),
               participant(5, "/d", 1), participant(6, "/e", 1)});
  EXPECT_EQ(cause_of(before, now).text, "/a has joined; /b has joined; /c has joined; and 2 more");
}

TEST(PlanCause, KnowsTheMachineAndWhatIsNotDelegated) {
  const auto before = plan_of({participant(2, "/s/a", 100)});
  auto now = before;
  now.levels[0].held = {0, 1};
  EXPECT_EQ(cause_of(before, now).text, "other CPUs are there");
  EXPECT_THAT(cause_of(before, plan_of({participant(2, "/s/a", 100, 1100)})).text,
              EndsWith("weighs more or less"));
  EXPECT_EQ(cause_of(before, before).text, "");
}

TEST(PlanCause, AnAdoptedPlanSaysWhoAndNotWhy) {
  auto adopted = plan_of({participant(2, "/s/a", 100)});
  adopted.levels[0].participants[1].entitlement = {};
  const auto now = plan_of({participant(2, "/s/a", 100)});
  EXPECT_EQ(cause_of(adopted, now).text, "");
  EXPECT_EQ(cause_of(Plan{}, now).text, "it is the first");
}

}  // namespace
}  // namespace fief
