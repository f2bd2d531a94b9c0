// SPDX-License-Identifier: GPL-2.0-only
// The crank among others: lost events, changes under way, and a world that never stands still.
#include <random>

#include "control_world.hpp"
#include "core/message_ids.hpp"
#include "kernel/exit_kind.hpp"

namespace fief::test {
namespace {

using ::testing::Contains;
using ::testing::Not;

using Race = World;

TEST_F(Race, LostEventsLeadToAFreshLook) {
  make("/a", 100);
  make("/theirs", 100);
  set_policy(policy_of({quick("/a")}));
  start();
  settle();
  kernel_.drop_events(true);
  ASSERT_TRUE(kernel_.attach_foreign(id("/theirs"), "scx_other"));
  settle();
  EXPECT_EQ(owned("/theirs"), 0U);
  kernel_.drop_events(false);
  wait_for("/theirs", SchedulerState::attached);
  EXPECT_GT(owned("/theirs"), 0U);
  EXPECT_EQ(logged(message::kEventsDropped), 1U);
}

TEST_F(Race, ACgroupThatGoesDuringItsAttachIsNoFailure) {
  set_policy(policy_of({quick("/a")}));
  start();
  make("/a");
  kernel_.hold_changes(true);
  wait_for("/a", SchedulerState::attaching);
  remove("/a");
  kernel_.hold_changes(false);
  wait_for("/a", SchedulerState::waiting);
  settle();
  EXPECT_EQ(logged(message::kAttachFailed), 0U);
  EXPECT_EQ(controller_->status(Figures::read).state, "running");
}

TEST_F(Race, ADetachUnderWayIsNeitherForeignNorForgotten) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start();
  kernel_.hold_changes(true);
  std::optional<Status> outcome;
  set_policy(policy_of({quick("/b")}));
  begin(Reload{}, &outcome);
  for (int i = 0; i < 5; ++i) {
    set_weight("/b", 200);
    settle();
  }
  EXPECT_FALSE(outcome);
  EXPECT_FALSE(view("/a").foreign);
  EXPECT_THAT(listener_.signals, Not(Contains(Listener::Signal{"/a", "requested"})));
  kernel_.hold_changes(false);
  wait_until("answered", [&] { return outcome.has_value(); });
  EXPECT_TRUE(*outcome);
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/a", "requested"}));
}

TEST_F(Race, TheRootEndsWhileAChildIsBeingAttached) {
  set_policy(policy_of({quick("/a")}));
  start();
  kernel_.hold_changes(true);
  make("/a");
  wait_for("/a", SchedulerState::attaching);
  kernel_.end_scheduler(kSelf, exit_kind::kError, 0, "stall");
  wait_until("noticed", [&] { return view("/").state != SchedulerState::attached; });
  kernel_.hold_changes(false);
  wait_for("/a", SchedulerState::attached);
  EXPECT_EQ(view("/").state, SchedulerState::attached);
}

TEST_F(Race, ARestlessWorldSettlesAsPlanned) {
  const std::vector<std::string> paths{"/a", "/b", "/c", "/d"};
  set_policy(policy_of({quick("/a", 1000), quick("/b", 1000), quick("/c", 1000)}));
  start();
  std::minstd_rand random(20261);
  const auto exists = [this](const std::string& path) {
    return std::filesystem::exists(cgroups_.directory(path));
  };
  for (int step = 0; step < 600; ++step) {
    const auto& path = paths[random() % paths.size()];
    const auto action = random() % 8;
    if (!exists(path))
      make(path, static_cast<std::uint32_t>(random() % 1000 + 1));
    else if (action == 0)
      remove(path);
    else if (action == 1)
      kernel_.end_scheduler(id(path), exit_kind::kError, 0, "random");
    else if (action == 2 && path == "/d")
      static_cast<void>(kernel_.attach_foreign(id(path), "scx_other"));
    else if (action == 3)
      kernel_.drop_events(random() % 2 == 0);
    else if (action == 4)
      kernel_.hold_changes(random() % 2 == 0);
    else
      set_weight(path, static_cast<std::uint32_t>(random() % 10000 + 1));
    io_.restart();
    io_.run_one_for(std::chrono::milliseconds{1});
  }
  kernel_.hold_changes(false);
  kernel_.drop_events(true);
  kernel_.change_weight(CgroupId{1}, 1);  // one that is lost for certain
  kernel_.drop_events(false);
  for (const auto& path : paths)
    if (!exists(path))
      make(path);
  for (const auto* path : {"/a", "/b", "/c"})
    wait_for(path, SchedulerState::attached);
  wait_until("as planned", [&] { return controller_->status(Figures::read).as_planned; });
  CidSet all;
  for (const auto& scheduler : controller_->status(Figures::read).schedulers) {
    EXPECT_FALSE(all.intersects(scheduler.held.enq())) << scheduler.path;
    all |= scheduler.held.enq();
  }
}

}  // namespace
}  // namespace fief::test
