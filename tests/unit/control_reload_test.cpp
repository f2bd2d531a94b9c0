// SPDX-License-Identifier: GPL-2.0-only
// Reloads: good, bad, impossible, and such that replace schedulers.
#include "control_world.hpp"
#include "core/message_ids.hpp"

namespace fief::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Reload = World;

TEST_F(Reload, AnswersWhenTheKernelIsInTheNewState) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a")}));
  start();
  set_policy(policy_of({quick("/b")}));
  ASSERT_TRUE(reload());
  const auto observation = kernel_.observe();
  EXPECT_EQ(observation->find(id("/a")), nullptr);
  EXPECT_GT(owned("/b"), 0U);
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/a", "requested"}));
}

TEST_F(Reload, FaultsLeaveTheRunningPolicyInForce) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  set_policy(R"({"delegations": [{"cgroup": "/a", "wieght": 3}, {"cgroup": "relative"}]})");
  const auto outcome = reload();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::invalid);
  EXPECT_THAT(outcome.error().message, HasSubstr("wieght"));
  EXPECT_EQ(logged(message::kPolicyRefused), 2U);
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(controller_->status(Figures::read).state, "degraded");
  EXPECT_THAT(controller_->status(Figures::read).policy_error, HasSubstr("wieght"));
  set_policy(policy_of({quick("/a")}));
  ASSERT_TRUE(reload());
  EXPECT_EQ(controller_->status(Figures::read).policy_error, "");
  EXPECT_EQ(controller_->status(Figures::read).state, "running");
  EXPECT_EQ(kernel_.attach_calls(), 1U);
}

TEST_F(Reload, AnImpossiblePolicyIsRefusedBeforeAnythingChanges) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  settle();
  const auto applies = kernel_.applies();
  set_policy(R"({"delegations": [{"cgroup": "/a", "min_cpus": 100}]})");
  const auto outcome = reload();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::infeasible);
  EXPECT_THAT(outcome.error().message, HasSubstr("/a"));
  EXPECT_EQ(kernel_.applies(), applies);
}

TEST_F(Reload, StartingWithFaultsDelegatesNothing) {
  make("/a");
  set_policy("{");
  start();
  ASSERT_TRUE(ready_);
  EXPECT_EQ(controller_->status(Figures::read).state, "degraded");
  EXPECT_EQ(kernel_.attach_calls(), 0U);
  set_policy(policy_of({quick("/a")}));
  ASSERT_TRUE(reload());
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
}

TEST_F(Reload, AnotherSchedulerReplacesTheOne) {
  make("/a");
  set_policy(R"({"delegations": [{"cgroup": "/a"}]})");
  start();
  set_policy(R"({"delegations": [{"cgroup": "/a", "scheduler": "batch"}]})");
  ASSERT_TRUE(reload());
  EXPECT_EQ(view("/a").scheduler, "batch");
  EXPECT_EQ(kernel_.observe()->find(id("/a"))->name, "fief_batch");
  EXPECT_THAT(listener_.signals,
              ElementsAre(Listener::Signal{"/a", ""}, Listener::Signal{"/a", "requested"},
                          Listener::Signal{"/a", ""}));
}

TEST_F(Reload, AWeightInThePolicyDisturbsNoScheduler) {
  make("/a", 100);
  make("/b", 100);
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start();
  const auto before = owned("/a");
  set_policy(R"({"delegations": [{"cgroup": "/a", "weight": 1000}, {"cgroup": "/b"}]})");
  ASSERT_TRUE(reload());
  EXPECT_GT(owned("/a"), before);
  EXPECT_EQ(kernel_.attach_calls(), 2U);
}

TEST_F(Reload, AParentIsPutAboveAChild) {
  make("/a");
  make("/a/b");
  set_policy(policy_of({quick("/a/b")}));
  start();
  set_policy(policy_of({quick("/a/b"), quick("/a")}));
  ASSERT_TRUE(reload());
  EXPECT_EQ(kernel_.observe()->find(id("/a/b"))->parent, id("/a"));
  EXPECT_GT(owned("/a/b"), 0U);
}

TEST_F(Reload, TheRootsOptionsMakeAnotherRoot) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  set_policy(R"({"root": {"options": {"slice_us": 500}}, "delegations": [{"cgroup": "/a"}]})");
  ASSERT_TRUE(reload());
  EXPECT_EQ(kernel_.attach_calls(), 2U);
  EXPECT_EQ(logged(message::kRootExited), 0U);
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/a", "requested"}));
}

TEST_F(Reload, AFailingAttachIsTheAnswer) {
  make("/a");
  start();
  kernel_.fail_attaches(1, {Errc::kernel, "not today"});
  set_policy(policy_of({quick("/a")}));
  const auto outcome = reload();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("not today"));
}

}  // namespace
}  // namespace fief::test
