// SPDX-License-Identifier: GPL-2.0-only
// The crank in a world where an earlier daemon has been: what it goes on with, and what it
// replaces.
#include "control_world.hpp"
#include "core/message_ids.hpp"
#include "kernel/exit_kind.hpp"

namespace fief::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Survival = World;

TEST_F(Survival, TheNextDaemonGoesOnWithWhatIsAttached) {
  make("/a");
  make("/b", 300);
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start();
  const auto a = owned("/a");
  const auto b = owned("/b");
  crash();
  EXPECT_EQ(owned("/a"), a);
  start();
  ASSERT_TRUE(ready_);
  EXPECT_EQ(kernel_.attach_calls(), 2U);
  EXPECT_EQ(kernel_.root_loads(), 1U);
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(owned("/a"), a);
  EXPECT_EQ(owned("/b"), b);
  EXPECT_EQ(logged(message::kAdopted), 1U);
  set_weight("/a", 300);
  wait_until("a weight that counts", [&] { return owned("/a") == owned("/b"); });
}

TEST_F(Survival, WhatHappenedMeanwhileIsCaughtUpWith) {
  make("/gone");
  make("/stays");
  make("/unwanted");
  set_policy(policy_of({quick("/gone"), quick("/stays"), quick("/unwanted")}));
  start();
  crash();
  remove("/gone");
  make("/new");
  set_policy(policy_of({quick("/gone"), quick("/stays"), quick("/new")}));
  start();
  wait_for("/new", SchedulerState::attached);
  EXPECT_EQ(view("/gone").state, SchedulerState::waiting);
  EXPECT_EQ(owned("/unwanted"), 0U);
  EXPECT_EQ(kernel_.attach_calls(), 4U);
}

TEST_F(Survival, OneThatFailedMeanwhileIsReportedAndRestarted) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  const auto a = id("/a");
  crash();
  kernel_.end_scheduler(a, exit_kind::kError, 0, "out of luck");
  start();
  wait_for("/a", SchedulerState::attached);
  EXPECT_EQ(logged(message::kSchedulerExited), 1U);
  EXPECT_EQ(kernel_.attach_calls(), 2U);
}

TEST_F(Survival, AnotherObjectReplacesTheSchedulerThatWasMadeOfTheOldOne) {
  make("/a");
  make("/b");
  set_policy(policy_of({R"({"cgroup": "/a", "scheduler": "latency"})", quick("/b")}));
  start();
  crash();
  kernel_.upgrade("latency");
  start();
  wait_until("the replacement", [this] { return kernel_.attach_calls() == 3; });
  wait_for("/a", SchedulerState::attached);
  EXPECT_EQ(kernel_.root_loads(), 1U);
}

TEST_F(Survival, AnotherObjectThatCannotBeLoadedReplacesNothing) {
  make("/a");
  set_policy(policy_of({quick("/a", 2)}));
  start();
  crash();
  kernel_.upgrade("fair");
  kernel_.fail_child_loads(2, {Errc::kernel, "the verifier refuses it"});
  start();
  wait_until("the last attempt", [this] { return kernel_.attach_calls() == 3; });
  wait_for("/a", SchedulerState::attached);
  EXPECT_EQ(view("/a").last_error, "fair cannot take its place: the verifier refuses it");
  EXPECT_EQ(controller_->status(Figures::read).state, "degraded");
  EXPECT_EQ(logged(message::kSchedulerDetached), 0U);
}

TEST_F(Survival, AnotherRootReplacesAll) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  crash();
  kernel_.upgrade("root");
  start();
  wait_for("/a", SchedulerState::attached);
  EXPECT_EQ(kernel_.root_loads(), 2U);
  EXPECT_EQ(kernel_.attach_calls(), 2U);
  EXPECT_EQ(logged(message::kNotAdopted), 1U);
}

TEST_F(Survival, ARootThatEndedMeanwhileIsReportedAndLoadedAgain) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  crash();
  kernel_.end_scheduler(kSelf, exit_kind::kError, 0, "out of luck");
  start();
  wait_for("/a", SchedulerState::attached);
  EXPECT_EQ(logged(message::kRootExited), 1U);
  EXPECT_EQ(kernel_.root_loads(), 2U);
}

TEST_F(Survival, AStopThatKeepsLeavesEverythingAttached) {
  make("/a");
  set_policy(R"({"root": {"on_stop": "keep"}, "delegations": [{"cgroup": "/a"}]})");
  start();
  EXPECT_EQ(controller_->on_stop(), OnStop::keep);
  const auto a = owned("/a");
  ASSERT_TRUE(controller_->stop(Leaving::keep));
  EXPECT_EQ(owned("/a"), a);
  EXPECT_THAT(listener_.signals,
              ElementsAre(Listener::Signal{"/a", ""}, Listener::Signal{"/a", "daemon-stopping"}));
}

TEST_F(Survival, LeavingIsForGood) {
  make("/a");
  set_policy(R"({"root": {"on_stop": "keep"}, "delegations": [{"cgroup": "/a"}]})");
  start();
  EXPECT_TRUE(perform(Leave{}));
  wait_until("the end", [this] { return left_; });
  EXPECT_EQ(owned("/a"), 0U);
  crash();
  const auto found = kernel_.adopt();
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->root);
  EXPECT_THAT(found->children, IsEmpty());
}

TEST_F(Survival, TheLastGoodPolicyHoldsWhereTheFilesAreFaulty) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a")}));
  start();
  crash();
  set_policy(R"({"delegations": [{"cgroup": "/a", "wieght": 3}]})");
  start();
  ASSERT_TRUE(ready_);
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(kernel_.attach_calls(), 1U);
  const auto status = controller_->status(Figures::read);
  EXPECT_EQ(status.state, "degraded");
  EXPECT_EQ(status.policy_file, "last good copy of policy.json");
  EXPECT_THAT(status.policy_error, HasSubstr("policy.json:1:"));
  EXPECT_THAT(status.policy_error, HasSubstr("wieght"));
  EXPECT_EQ(logged(message::kPolicyKept), 1U);
  EXPECT_THAT(origin_of(controller_->policy(), "/a", "cgroup"), HasSubstr("policy.json:1"));
  set_policy(policy_of({quick("/b")}));
  ASSERT_TRUE(reload());
  EXPECT_EQ(controller_->status(Figures::read).state, "running");
  EXPECT_EQ(controller_->status(Figures::read).policy_file, "policy.json");
  EXPECT_EQ(view("/b").state, SchedulerState::attached);
  crash();
  set_policy("{");
  start();
  EXPECT_EQ(view("/b").state, SchedulerState::attached) << "the newest good one is kept";
}

TEST_F(Survival, APolicyThatWasRefusedIsNotKept) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  kernel_.fail_loads(1, {Errc::kernel, "the verifier will not have it"});
  set_policy(R"({"root": {"options": {"slice_us": 500}}})");
  ASSERT_FALSE(reload());
  crash();
  set_policy("{");
  start();
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
}

TEST_F(Survival, ADamagedKeptPolicyIsNone) {
  make("/a");
  write_file(drop_ins_.path() / "kept/last-good-policy.json", R"({"files": [{"file": 7}]})");
  set_policy("{");
  start();
  ASSERT_TRUE(ready_);
  EXPECT_EQ(view("/a").path, "");
  EXPECT_EQ(logged(message::kPolicyKept), 0U);
}

TEST_F(Survival, WhatCannotBeReplacedGoesOn) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  crash();
  kernel_.upgrade("root");
  kernel_.fail_loads(1, {Errc::kernel, "the verifier will not have it"});
  start();
  ASSERT_TRUE(ready_);
  EXPECT_FALSE(failure_);
  EXPECT_EQ(kernel_.root_loads(), 1U);
  EXPECT_EQ(kernel_.attach_calls(), 1U);
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(controller_->status(Figures::read).state, "degraded");
}

}  // namespace
}  // namespace fief::test
