// SPDX-License-Identifier: GPL-2.0-only
// The crank on a good day: cgroups, weights and schedulers come, go and change.
#include "control_world.hpp"
#include "core/message_ids.hpp"

namespace fief::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

using Control = World;

TEST_F(Control, ReadyMeansAttachedAndObserved) {
  make("/a", 300);
  make("/b", 100);
  set_policy(policy_of({quick("/a"), quick("/b"), quick("/absent")}));
  start();
  ASSERT_TRUE(ready_);
  const auto status = controller_->status(Figures::read);
  EXPECT_EQ(status.state, "running");
  EXPECT_TRUE(status.as_planned);
  EXPECT_EQ(status.nr_cpus, 8U);
  ASSERT_EQ(status.cpu_of_cid.size(), 8U);
  for (const auto& cid : kernel_.topology().cids)
    EXPECT_EQ(status.cpu_of_cid[cid.cid.value], cid.cpu);
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(view("/absent").state, SchedulerState::waiting);
  EXPECT_EQ(view("/a").weight, 300U);
  EXPECT_GT(owned("/a"), owned("/b"));
  EXPECT_GT(owned("/b"), 0U);
  EXPECT_THAT(listener_.signals,
              ElementsAre(Listener::Signal{"/a", ""}, Listener::Signal{"/b", ""}));
}

TEST_F(Control, TheRootKeepsWhatNobodyWasGiven) {
  make("/a", 100);
  set_policy(policy_of({quick("/a")}));
  start();
  const auto root = view("/");
  const auto child = view("/a");
  EXPECT_EQ(root.state, SchedulerState::attached);
  EXPECT_FALSE(root.held.immed().empty());
  EXPECT_FALSE(root.held.enq().intersects(child.held.immed()));
  EXPECT_EQ(root.held.enq() | child.held.immed(), CidSet::first(8));
}

TEST_F(Control, ACgroupThatAppearsIsServedAndAgainWhenMadeAnew) {
  set_policy(policy_of({quick("/late")}));
  start();
  make("/late");
  wait_for("/late", SchedulerState::attached);
  const auto first = id("/late");
  EXPECT_GT(owned("/late"), 0U);
  remove("/late");
  wait_until("told", [&] { return listener_.signals.size() == 2; });
  EXPECT_EQ(listener_.signals.back(), (Listener::Signal{"/late", "cgroup-removed"}));
  EXPECT_EQ(view("/late").state, SchedulerState::waiting);
  EXPECT_EQ(logged(message::kSchedulerExited), 0U);
  make("/between");  // so that the inode number is not handed out again
  make("/late");
  wait_for("/late", SchedulerState::attached);
  EXPECT_NE(id("/late"), first);
  EXPECT_GT(owned("/late"), 0U);
}

TEST_F(Control, AWeightChangeMovesCpus) {
  make("/a", 100);
  make("/b", 300);
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start();
  const auto before = owned("/a");
  set_weight("/a", 900);
  wait_until("more CPUs", [&] { return owned("/a") > before; });
  EXPECT_LT(owned("/b"), owned("/a"));
  wait_for("/a", SchedulerState::attached);
  EXPECT_EQ(view("/a").weight, 900U);
}

TEST_F(Control, AWeightChangeDoesNotWaitForAnAttach) {
  make("/a", 100);
  make("/b", 100);
  set_policy(policy_of({quick("/a"), quick("/b"), quick("/slow")}));
  start();
  kernel_.hold_changes(true);
  make("/slow", 100);
  wait_for("/slow", SchedulerState::attaching);
  const auto before = owned("/a");
  set_weight("/a", 2000);
  wait_until("more CPUs", [&] { return owned("/a") > before; });
  EXPECT_EQ(view("/slow").state, SchedulerState::attaching);
  EXPECT_THAT(listener_.signals, Not(Contains(Listener::Signal{"/slow", ""})));
  kernel_.hold_changes(false);
  wait_for("/slow", SchedulerState::attached);
}

TEST_F(Control, AnAttachUnderWayIsGivenCpusBeforeItEnds) {
  set_policy(policy_of({quick("/a")}));
  start();
  kernel_.hold_changes(true);
  make("/a");
  wait_for("/a", SchedulerState::attaching);
  wait_until("CPUs", [&] { return owned("/a") > 0; });
  kernel_.hold_changes(false);
  wait_for("/a", SchedulerState::attached);
}

TEST_F(Control, AnEqualPlanIsNotAppliedAgain) {
  make("/a", 100);
  set_policy(policy_of({quick("/a")}));
  start();
  settle();
  const auto applies = kernel_.applies();
  const auto number = controller_->status(Figures::read).plan_number;
  for (int i = 0; i < 10; ++i) {
    set_weight("/a", 100);
    settle();
  }
  EXPECT_EQ(kernel_.applies(), applies);
  EXPECT_EQ(controller_->status(Figures::read).plan_number, number);
}

TEST_F(Control, TriggersShareATurn) {
  make("/a", 100);
  make("/b", 100);
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start();
  settle();
  const auto applies = kernel_.applies();
  for (std::uint32_t weight = 1; weight <= 500; ++weight)
    set_weight("/a", weight);
  wait_until("the last weight", [&] { return view("/a").weight == 500; });
  settle();
  EXPECT_LE(kernel_.applies() - applies, 5U);
}

TEST_F(Control, AForeignChildIsServedLikeAnyOther) {
  make("/a", 100);
  make("/theirs", 100);
  set_policy(policy_of({quick("/a")}));
  start();
  ASSERT_TRUE(kernel_.attach_foreign(id("/theirs"), "scx_other"));
  wait_for("/theirs", SchedulerState::attached);
  EXPECT_TRUE(view("/theirs").foreign);
  EXPECT_EQ(view("/theirs").scheduler, "scx_other");
  EXPECT_GT(owned("/theirs"), 0U);
  kernel_.end_scheduler(id("/theirs"), 64, 0, "");
  wait_until("gone", [&] { return view("/theirs").path.empty(); });
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/theirs", "exited"}));
}

TEST_F(Control, AForeignSchedulerInADelegationsPlaceIsLeftAlone) {
  const auto cgroup = make("/a");
  kernel_.load_root({}, [](const Status&) {});
  ASSERT_TRUE(kernel_.attach_foreign(cgroup, "scx_other"));
  ASSERT_TRUE(kernel_.leave());
  set_policy(policy_of({quick("/b")}));
  start();
  ASSERT_TRUE(kernel_.attach_foreign(cgroup, "scx_other"));
  set_policy(policy_of({quick("/a")}));
  ASSERT_TRUE(reload());
  EXPECT_TRUE(view("/a").foreign);
  EXPECT_EQ(kernel_.attach_calls(), 0U);
  kernel_.end_scheduler(cgroup, 64, 0, "");
  wait_until("ours", [&] { return !view("/a").foreign && owned("/a") > 0; });
}

TEST_F(Control, NestedDelegationsGoFromTheTopDown) {
  make("/a");
  make("/a/b");
  set_policy(policy_of({quick("/a/b"), quick("/a")}));
  start();
  const auto observation = kernel_.observe();
  ASSERT_NE(observation->find(id("/a/b")), nullptr);
  EXPECT_EQ(observation->find(id("/a/b"))->parent, id("/a"));
  EXPECT_GT(owned("/a/b"), 0U);
}

TEST_F(Control, StoppingLeavesNothingBehind) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  ASSERT_TRUE(controller_->stop(Leaving::for_good));
  EXPECT_FALSE(kernel_.observe()->root_enabled);
  EXPECT_THAT(kernel_.observe()->schedulers, IsEmpty());
  EXPECT_EQ(listener_.signals.back(), (Listener::Signal{"/a", "daemon-stopping"}));
  EXPECT_EQ(controller_->status(Figures::read).state, "stopping");
  settle();
  EXPECT_FALSE(kernel_.observe()->root_enabled);
}

}  // namespace
}  // namespace fief::test
