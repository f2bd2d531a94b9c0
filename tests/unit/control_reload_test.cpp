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

// The kernel takes its time with a detach.
TEST_F(Reload, OneThatTakesADelegationAwayTellsOfThatAlone) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start();
  listener_.signals.clear();
  records_.clear();
  kernel_.hold_changes(true);
  set_policy(policy_of({quick("/b")}));
  std::optional<Status> outcome;
  begin(fief::Reload{}, &outcome);
  const auto changes = listener_.changes;
  wait_until("a turn has passed", [&] { return listener_.changes > changes; });
  EXPECT_NE(kernel_.observe()->find(id("/a")), nullptr);
  EXPECT_THAT(listener_.signals, ::testing::IsEmpty());
  kernel_.hold_changes(false);
  wait_until("reloaded", [&outcome] { return outcome.has_value(); });
  settle();
  EXPECT_THAT(listener_.signals, ElementsAre(Listener::Signal{"/a", "requested"}));
  EXPECT_EQ(logged(message::kSchedulerAttached), 0U);
  EXPECT_EQ(logged(message::kSchedulerDetached), 1U);
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

// A policy of /a whose root has the option slice_us.
std::string with_root_slice(int slice_us) {
  return fmt::format(R"({{"root": {{"options": {{"slice_us": {}}}}},
                          "delegations": [{{"cgroup": "/a"}}]}})",
                     slice_us);
}

TEST_F(Reload, OptionsAreJudgedBeforeTheRootIsTouched) {
  make("/a");
  kernel_.set_options({{"slice_us", {.least = 100, .most = 1000000}}});
  set_policy(with_root_slice(500));
  start();
  for (const auto* bad : {R"({"root": {"options": {"slice_us": 5}}})",
                          R"({"root": {"options": {"slice_us": "long"}}})",
                          R"({"root": {"options": {"slcie_us": 500}}})"}) {
    set_policy(bad);
    const auto outcome = reload();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::invalid);
    EXPECT_THAT(outcome.error().message, HasSubstr("policy.json:1:"));
    EXPECT_THAT(outcome.error().message, HasSubstr("/root/options/sl"));
  }
  EXPECT_FALSE(failure_);
  EXPECT_EQ(kernel_.root_loads(), 1U);
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
}

TEST_F(Reload, OptionsOfChildrenAreJudgedAsWell) {
  make("/a");
  kernel_.set_options({{"slice_us", {.least = 100, .most = 1000000}}});
  set_policy(R"({"delegations": [{"cgroup": "/a", "options": {"slice_us": 500}}]})");
  start();
  set_policy(R"({"delegations": [{"cgroup": "/a", "options": {"slice_us": 5}}]})");
  const auto outcome = reload();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("/delegations/0/options/slice_us: slice_us is 5"));
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(kernel_.attach_calls(), 1U);
}

TEST_F(Reload, ASchedulerThatIsNotThereChangesNothing) {
  make("/a");
  kernel_.set_schedulers({"batch", "fair", "latency"});
  set_policy(R"({"delegations": [{"cgroup": "/a", "scheduler": "latency"}]})");
  start();
  const auto cpus = owned("/a");
  set_policy(R"({"delegations": [{"cgroup": "/a", "scheduler": "Latency"}]})");
  const auto outcome = reload();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message,
              HasSubstr(R"(policy.json:1:48: /delegations/0/scheduler: there is no scheduler )"
                        R"("Latency"; there are batch, fair, latency; did you mean "latency"?)"));
  settle();
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(owned("/a"), cpus);
  EXPECT_EQ(kernel_.attach_calls(), 1U);
  EXPECT_EQ(controller_->preview_reload().error().message, outcome.error().message);
}

TEST_F(Reload, WhatIsSwitchedOffMayNameASchedulerThatIsNotThereYet) {
  kernel_.set_schedulers({"fair"});
  set_policy(R"({"delegations": [{"cgroup": "/a", "scheduler": "mine", "enabled": false}]})");
  start();
  EXPECT_TRUE(reload());
}

TEST_F(Reload, ARootThatCannotBeLoadedLeavesTheOldOneWithTheOldPolicy) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a")}));
  start();
  kernel_.fail_loads(1, {Errc::kernel, "the verifier will not have it"});
  set_policy(R"({"root": {"options": {"slice_us": 500}}, "delegations": [{"cgroup": "/b"}]})");
  const auto outcome = reload();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("the verifier will not have it"));
  EXPECT_FALSE(failure_);
  EXPECT_EQ(kernel_.root_loads(), 1U);
  EXPECT_EQ(kernel_.attach_calls(), 1U);
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(view("/b").path, "");
  EXPECT_EQ(controller_->status(Figures::read).state, "degraded");
  EXPECT_EQ(logged(message::kRootRefused), 1U);
  ASSERT_TRUE(reload()) << "it is tried again";
  EXPECT_EQ(kernel_.root_loads(), 2U);
  EXPECT_EQ(view("/b").state, SchedulerState::attached);
  EXPECT_EQ(controller_->status(Figures::read).state, "running");
}

TEST_F(Reload, ARootThatDoesNotStartIsReplacedByOneWithTheOldOptions) {
  make("/a");
  set_policy(with_root_slice(700));
  start();
  kernel_.fail_root_starts(1, {Errc::kernel, "the scheduler refused to start"});
  set_policy(with_root_slice(500));
  const auto outcome = reload();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("refused to start"));
  EXPECT_FALSE(failure_);
  wait_for("/a", SchedulerState::attached);
  EXPECT_EQ(kernel_.adopt()->root->request.options.at("slice_us"), OptionValue(700));
}

TEST_F(Reload, ARootWithWrongOptionsAtStartIsReplacedByOneWithout) {
  make("/a");
  kernel_.fail_loads(1, {Errc::invalid, "the scheduler has no option \"slice_us\""});
  set_policy(with_root_slice(500));
  start();
  ASSERT_TRUE(ready_);
  EXPECT_FALSE(failure_);
  EXPECT_EQ(controller_->status(Figures::read).state, "degraded");
  EXPECT_THAT(view("/").last_error, HasSubstr("no option"));
  wait_for("/a", SchedulerState::attached);
}

TEST_F(Reload, APreviewShowsWhatWouldChangeAndChangesNothing) {
  make("/a");
  make("/b");
  set_policy(R"({"delegations": [{"cgroup": "/a", "weight": 100}]})");
  start();
  EXPECT_EQ(controller_->preview_reload()->text, "nothing changes\n");
  const auto before = owned("/a");
  set_policy(R"({"root": {"options": {"slice_us": 500}},
                 "delegations": [{"cgroup": "/a", "weight": 50},
                                 {"cgroup": "/b", "weight": 900, "options": {"slice_us": 700}}]})");
  const auto preview = controller_->preview_reload();
  ASSERT_TRUE(preview) << preview.error().message;
  EXPECT_THAT(preview->text, HasSubstr("the root scheduler is replaced"));
  EXPECT_THAT(preview->text, HasSubstr("    options.slice_us: unset -> 500\n"));
  EXPECT_THAT(preview->text, HasSubstr("/a is changed\n    weight: 100 -> 50\n"));
  EXPECT_THAT(preview->text, HasSubstr("/b is added\n"));
  EXPECT_THAT(preview->text,
              HasSubstr("  /a gains CPUs 3, loses CPUs 4-7, is due 0.3947 instead of 4\n"));
  EXPECT_THAT(preview->text, HasSubstr("  /b gains CPUs 0-7"));
  EXPECT_THAT(preview->json, HasSubstr(R"("other_root":true)"));
  EXPECT_EQ(owned("/a"), before);
  EXPECT_EQ(kernel_.root_loads(), 1U);
  EXPECT_EQ(view("/b").path, "");
  EXPECT_EQ(controller_->status(Figures::read).state, "running");
  set_policy("{}");
  EXPECT_THAT(controller_->preview_reload()->text, HasSubstr("/a is removed\n"));
}

TEST_F(Reload, APreviewIsRefusedAsTheReloadWouldBe) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  set_policy(R"({"delegations": [{"cgroup": "/a", "wieght": 3}]})");
  EXPECT_EQ(controller_->preview_reload().error().code, Errc::invalid);
  set_policy(R"({"delegations": [{"cgroup": "/a", "min_cpus": 100}]})");
  EXPECT_EQ(controller_->preview_reload().error().code, Errc::infeasible);
  EXPECT_EQ(controller_->status(Figures::read).policy_error, "");
}

TEST_F(Reload, ASchedulerThatCannotBeLoadedLeavesTheOldOne) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  kernel_.fail_child_loads(1, {Errc::denied, "others than root could have written it"});
  set_policy(R"({"delegations": [{"cgroup": "/a", "scheduler": "batch"}]})");
  const auto outcome = reload();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("/a keeps its scheduler fair"));
  EXPECT_THAT(outcome.error().message, HasSubstr("others than root could have written it"));
  EXPECT_EQ(view("/a").scheduler, "fair");
  EXPECT_GT(owned("/a"), 0U);
  EXPECT_EQ(controller_->status(Figures::read).policy_error, "");
  ASSERT_TRUE(reload());
  EXPECT_EQ(view("/a").scheduler, "batch");
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
