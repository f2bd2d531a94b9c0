// SPDX-License-Identifier: GPL-2.0-only
#include "control/view/announcer.hpp"

#include <gmock/gmock.h>

namespace fief {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr CgroupId kA{7};

class Listener : public StatusListener {
 public:
  void status_changed() override {}
  void scheduler_attached(const SchedulerView& scheduler) override {
    told.push_back("attached " + scheduler.path);
  }
  void scheduler_detached(const SchedulerView& scheduler, const std::string& reason) override {
    told.push_back("detached " + scheduler.path + ": " + reason);
  }
  std::vector<std::string> told;
};

class AnnouncerTest : public testing::Test {
 protected:
  AnnouncerTest() {
    cgroups_.nodes.push_back({CgroupId{1}, "/", 0, kDefaultWeight, false, true});
    cgroups_.nodes.push_back({kA, "/a", 0, kDefaultWeight, false, true});
    announcer_.set_listener(&listener_);
  }

  void publish(const std::vector<SchedulerView>& schedulers,
               const std::map<CgroupId, std::string>& reasons = {}) {
    StatusView status;
    status.schedulers = schedulers;
    announcer_.publish(status, reasons, cgroups_);
  }

  static SchedulerView at_a(const std::string& scheduler, bool foreign = false) {
    SchedulerView view;
    view.cgroup = kA;
    view.path = "/a";
    view.scheduler = scheduler;
    view.delegation = scheduler.starts_with("fief_") || foreign ? "" : "/a";
    view.state = SchedulerState::attached;
    view.foreign = foreign;
    return view;
  }

  CgroupTree cgroups_;
  Listener listener_;
  Announcer announcer_{[](const std::string&) {}};
};

TEST_F(AnnouncerTest, WhoComesAndGoesIsToldOnce) {
  publish({at_a("fair")});
  publish({at_a("fair")});
  publish({}, {{kA, "requested"}});
  EXPECT_THAT(listener_.told, ElementsAre("attached /a", "detached /a: requested"));
}

// The kernel takes a moment to end a scheduler, which is no longer the daemon's then.
TEST_F(AnnouncerTest, WhoIsOnItsWayOutHasNotCome) {
  publish({at_a("fair")});
  publish({at_a("fief_fair", true)}, {{kA, "requested"}});
  publish({});
  EXPECT_THAT(listener_.told, ElementsAre("attached /a", "detached /a: requested"));
}

// A detach that takes its time: the daemon knows it as its own, and no delegation speaks of it.
TEST_F(AnnouncerTest, WhoIsLeavingHasNotLeftYet) {
  publish({at_a("fair")});
  publish({at_a("fief_fair")});
  publish({at_a("fief_fair", true)});
  EXPECT_THAT(listener_.told, ElementsAre("attached /a"));
  publish({}, {{kA, "requested"}});
  EXPECT_THAT(listener_.told, ElementsAre("attached /a", "detached /a: requested"));
}

TEST_F(AnnouncerTest, WhatAnEarlierDaemonLeftAndNobodyWantsIsNotTold) {
  publish({at_a("fief_fair")});
  publish({}, {{kA, "requested"}});
  EXPECT_THAT(listener_.told, IsEmpty());
}

TEST_F(AnnouncerTest, NobodyIsAttachedToACgroupThatHasGone) {
  auto left = at_a("fief_fair", true);
  left.path.clear();
  publish({left});
  EXPECT_THAT(listener_.told, IsEmpty());
  publish({at_a("fair")});
  left.foreign = false;
  left.delegation = "/a";
  cgroups_.nodes.pop_back();
  publish({left});
  publish({left});
  EXPECT_THAT(listener_.told, ElementsAre("attached /a", "detached /a: cgroup-removed"));
}

TEST_F(AnnouncerTest, OthersSchedulersAreTold) {
  publish({at_a("qmap", true)});
  EXPECT_THAT(listener_.told, ElementsAre("attached /a"));
}

}  // namespace
}  // namespace fief
