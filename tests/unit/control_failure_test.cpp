// SPDX-License-Identifier: GPL-2.0-only
// The crank on bad days: attaches that fail, schedulers and roots that end.
#include "control_world.hpp"
#include "core/message_ids.hpp"
#include "kernel/exit_kind.hpp"

namespace fief::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using Failure = World;

TEST_F(Failure, AFailingAttachIsTriedAgain) {
  make("/a");
  make("/b");
  // Long enough for a slow machine to look in between.
  static constexpr char kUnhurried[] =
      R"({{"cgroup": "{}", "restart": {{"first_delay_ms": 1000}}}})";
  set_policy(policy_of({fmt::format(kUnhurried, "/a"), fmt::format(kUnhurried, "/b")}));
  kernel_.fail_attaches(2, {Errc::kernel, "the verifier is in a bad mood"});
  start();
  ASSERT_TRUE(ready_);
  EXPECT_EQ(controller_->status(Figures::read).state, "degraded");
  EXPECT_THAT(view("/a").last_error, HasSubstr("bad mood"));
  EXPECT_THAT(view("/b").last_error, HasSubstr("bad mood"));
  wait_for("/a", SchedulerState::attached);
  wait_for("/b", SchedulerState::attached);
  EXPECT_EQ(logged(message::kAttachFailed), 2U);
  EXPECT_EQ(controller_->status(Figures::read).state, "running");
}

TEST_F(Failure, CgroupsThatCannotBeReadAreToldOnceAndReadAgain) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  ASSERT_EQ(controller_->status(Figures::read).state, "running");
  // Nobody watches what could not be read: that it is well again must be found out.
  cgroups_.make({.path = "/bad"});
  cgroups_.write("/bad", "cpu.weight", "heavy\n");
  wait_until("degraded", [this] { return controller_->status(Figures::read).state == "degraded"; });
  EXPECT_THAT(view("/").last_error, HasSubstr("cannot follow the cgroups: "));
  make("/b");
  begin(Replan{});
  settle();
  EXPECT_EQ(logged(message::kCgroupsUnread), 1U);
  cgroups_.set_weight("/bad", 100);
  wait_until("running", [this] { return controller_->status(Figures::read).state == "running"; });
  EXPECT_EQ(logged(message::kCgroupsUnread), 2U);
  EXPECT_NE(watcher_->tree().find("/b"), nullptr);
}

TEST_F(Failure, TooManyFailuresEndInQuarantineUntilAReload) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a", 3)}));
  kernel_.fail_attaches(3, {Errc::kernel, "no"});
  start();
  wait_for("/a", SchedulerState::quarantined);
  EXPECT_EQ(kernel_.attach_calls(), 3U);
  EXPECT_EQ(logged(message::kQuarantined), 1U);
  set_policy(policy_of({quick("/a", 3), quick("/b")}));
  ASSERT_TRUE(reload());
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(view("/b").state, SchedulerState::attached);
}

TEST_F(Failure, WhatCannotBeMendedIsNotTriedAgain) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a"), quick("/b")}));
  kernel_.fail_attaches(1, {Errc::invalid, "there is no scheduler \"fair\""});
  start();
  EXPECT_EQ(view("/a").state, SchedulerState::quarantined);
  EXPECT_EQ(view("/b").state, SchedulerState::attached);
  EXPECT_EQ(kernel_.attach_calls(), 2U);
}

TEST_F(Failure, ASchedulerThatEndsIsRestarted) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  kernel_.end_scheduler(id("/a"), exit_kind::kError + 2, 0, "a task was not run");
  wait_for("/a", SchedulerState::backing_off);
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/a", "exited"}));
  EXPECT_THAT(view("/a").last_error, HasSubstr("a task was not run"));
  EXPECT_EQ(logged(message::kSchedulerExited), 1U);
  wait_for("/a", SchedulerState::attached);
  EXPECT_GT(owned("/a"), 0U);
}

TEST_F(Failure, AKilledSchedulerSaysSo) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  kernel_.end_scheduler(id("/a"), exit_kind::kKilledByParent, 0, "");
  wait_for("/a", SchedulerState::backing_off);
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/a", "killed"}));
}

TEST_F(Failure, WhoAsksTooOftenForWhatIsNotItsOwnIsEnded) {
  make("/a");
  make("/b");
  set_policy(
      policy_of({R"({"cgroup": "/a", "restart": {"max_denied_per_second": 10}})", quick("/b")}));
  start();
  wait_for("/a", SchedulerState::attached);
  settle();
  for (const char* path : {"/a", "/b"})
    kernel_.set_denied(id(path), 1000);
  wait_for("/a", SchedulerState::backing_off);
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/a", "killed"}));
  EXPECT_THAT(view("/a").last_error, HasSubstr("and max_denied_per_second is 10"));
  EXPECT_EQ(logged(message::kSchedulerExited), 1U);
  EXPECT_EQ(view("/b").state, SchedulerState::attached);
}

TEST_F(Failure, ACrashLoopEndsInQuarantineAndHarmsNobody) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a", 4), quick("/b")}));
  start();
  for (int i = 0; i < 4; ++i) {
    wait_for("/a", SchedulerState::attached);
    kernel_.end_scheduler(id("/a"), exit_kind::kError, 0, "crash");
    wait_until("noticed", [&] { return view("/a").state != SchedulerState::attached; });
  }
  wait_for("/a", SchedulerState::quarantined);
  wait_for("/b", SchedulerState::attached);
  EXPECT_THAT(listener_.signals, Not(Contains(Listener::Signal{"/b", "exited"})));
}

TEST_F(Failure, TheRootIsRebuiltWithItsChildren) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start();
  kernel_.end_scheduler(kSelf, exit_kind::kError, 0, "root stall");
  wait_until("noticed", [&] { return view("/a").state != SchedulerState::attached; });
  EXPECT_EQ(controller_->status(Figures::read).state, "degraded");
  wait_for("/a", SchedulerState::attached);
  EXPECT_GT(owned("/a"), 0U);
  EXPECT_EQ(logged(message::kRootExited), 1U);
  EXPECT_EQ(logged(message::kSchedulerExited), 0U);
  EXPECT_EQ(controller_->status(Figures::read).state, "running");
}

TEST_F(Failure, ARootThatKeepsEndingStaysOut) {
  root_restart_.quarantine_after = 3;
  start();
  for (int i = 0; i < 3; ++i) {
    wait_until("root", [&] { return view("/").state == SchedulerState::attached; });
    kernel_.end_scheduler(kSelf, exit_kind::kError, 0, "again");
    wait_until("gone", [&] { return view("/").state != SchedulerState::attached; });
  }
  wait_until("given up", [&] { return failure_.has_value(); });
  EXPECT_TRUE(is_final(failure_->code));
  EXPECT_THAT(failure_->message, HasSubstr("again"));
}

TEST_F(Failure, SysrqMeansOut) {
  start();
  kernel_.end_scheduler(kSelf, exit_kind::kSysrq, 0, "SysRq");
  wait_until("given up", [&] { return failure_.has_value(); });
  EXPECT_TRUE(is_final(failure_->code));
  EXPECT_FALSE(kernel_.observe()->root_enabled);
}

TEST_F(Failure, ARootThatAsksForARestartIsNotHeldAgainstIt) {
  root_restart_.quarantine_after = 1;
  start();
  kernel_.end_scheduler(kSelf, exit_kind::kUnregisteredByKernel,
                        exit_kind::kCodeHotplug | exit_kind::kCodeRestart, "hotplug");
  wait_until("rebuilt", [&] {
    return view("/").state == SchedulerState::attached && logged(message::kRootExited) == 1;
  });
  EXPECT_FALSE(failure_);
}

TEST_F(Failure, ALoadThatFailsAtStartEndsTheDaemon) {
  kernel_.fail_loads(1, {Errc::busy, "another root scheduler is loaded"});
  start();
  ASSERT_TRUE(failure_);
  EXPECT_TRUE(is_final(failure_->code));
  EXPECT_FALSE(ready_);
}

TEST_F(Failure, NobodyIsAttachedWhoCannotBeServed) {
  make("/a");
  set_policy(R"({"delegations": [{"cgroup": "/a", "min_cpus": 6},
                                 {"cgroup": "/late", "min_cpus": 6}]})");
  start();
  make("/late");
  wait_until("refused", [&] { return !view("/late").last_error.empty(); });
  EXPECT_EQ(view("/late").state, SchedulerState::waiting);
  EXPECT_EQ(kernel_.attach_calls(), 1U);
  EXPECT_EQ(owned("/a"), 6U);
  remove("/a");
  wait_for("/late", SchedulerState::attached);
  EXPECT_EQ(view("/late").last_error, "");
}

TEST_F(Failure, WhenCpusGoAwayTheWeightsAloneCount) {
  make("/a");
  set_policy(R"({"delegations": [{"cgroup": "/a", "min_cpus": 6}]})");
  start();
  const auto before = owned("/a");
  EXPECT_GE(before, 6U);
  for (std::uint32_t cid = 0; cid < 4; ++cid)
    kernel_.set_cid_online(Cid{cid}, false);
  wait_until("degraded", [&] { return controller_->status(Figures::read).state == "degraded"; });
  wait_for("/a", SchedulerState::attached);
  EXPECT_FALSE(view("/a").held.immed().empty());
  EXPECT_GE(logged(message::kPlanRefused), 1U);
  for (std::uint32_t cid = 0; cid < 4; ++cid)
    kernel_.set_cid_online(Cid{cid}, true);
  wait_until("running", [&] { return controller_->status(Figures::read).state == "running"; });
  wait_until("all of it again", [&] { return owned("/a") == before; });
}

}  // namespace
}  // namespace fief::test
