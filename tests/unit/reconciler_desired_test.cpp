// SPDX-License-Identifier: GPL-2.0-only
// What should be attached, and the steps towards it.
#include "control/schedulers/desired.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "control/plan/compare.hpp"

namespace fief {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A tree from paths, parents first; ids count from 1, the root's.
CgroupTree tree(const std::vector<std::string>& paths) {
  CgroupTree made;
  made.nodes.push_back({.id = CgroupId{1}, .path = "/", .populated = true});
  for (const auto& path : paths) {
    const auto parent = path.substr(0, path.rfind('/'));
    const auto* above = made.find(parent.empty() ? "/" : parent);
    made.nodes.push_back({.id = CgroupId{made.nodes.size() + 1},
                          .path = path,
                          .parent = static_cast<std::uint32_t>(above - made.nodes.data()),
                          .populated = true});
  }
  return made;
}

Policy policy(const std::vector<std::string>& cgroups) {
  Policy made;
  for (const auto& cgroup : cgroups) {
    Delegation delegation;
    delegation.name = cgroup;
    delegation.cgroup = cgroup;
    made.delegations.push_back(delegation);
  }
  return made;
}

class Reconciler : public ::testing::Test {
 protected:
  Reconciler() { observe(kSelf, kSelf); }

  void observe(CgroupId cgroup, CgroupId parent, bool foreign = false) {
    observation_.root_enabled = true;
    auto& all = observation_.schedulers;
    all.insert(std::ranges::lower_bound(all, cgroup, {}, &ObservedScheduler::cgroup),
               {.cgroup = cgroup, .parent = parent, .name = "x", .foreign = foreign, .held = {}});
  }
  void load(CgroupId cgroup, const std::string& path, CgroupId parent = kSelf) {
    loaded_[cgroup] = {.path = path, .scheduler = "fair", .options = {}};
    observe(cgroup, parent);
  }
  [[nodiscard]] std::vector<CgroupId> detaches() const {
    return to_detach({desired_, observation_, loaded_, standing_});
  }
  [[nodiscard]] std::string attaches() const {
    const AttachQueue queue({desired_, observation_, loaded_, standing_});
    return queue.next() == nullptr ? "" : queue.next()->delegation->cgroup;
  }
  [[nodiscard]] std::vector<std::string> order_of_attaches() const {
    std::vector<std::string> order;
    for (AttachQueue queue({desired_, observation_, loaded_, standing_}); queue.next() != nullptr;
         queue.pass_over())
      order.push_back(queue.next()->delegation->cgroup);
    return order;
  }

  CgroupTree tree_ = tree({"/a", "/a/b", "/a/b/c", "/a-z", "/d"});
  Policy policy_;
  std::vector<Desired> desired_;
  Observation observation_;
  std::map<CgroupId, Loaded> loaded_;
  std::map<std::string, Standing> standings_;
  std::function<Standing(const Delegation&)> standing_ = [this](const Delegation& delegation) {
    const auto known = standings_.find(delegation.cgroup);
    return known == standings_.end() ? Standing::ready : known->second;
  };

  void want(const std::vector<std::string>& cgroups) {
    policy_ = policy(cgroups);
    desired_ = desired_attachments(policy_, tree_);
  }
};

TEST_F(Reconciler, DesiredAreThoseThatExistParentsFirst) {
  want({"/a/b/c", "/nowhere", "/a", "/a/b"});
  ASSERT_EQ(desired_.size(), 3U);
  EXPECT_EQ(desired_[0].cgroup, tree_.find("/a")->id);
  EXPECT_EQ(desired_[1].cgroup, tree_.find("/a/b")->id);
  EXPECT_EQ(desired_[2].cgroup, tree_.find("/a/b/c")->id);
}

TEST_F(Reconciler, TheNextAttachesAreKnownAhead) {
  want({"/d", "/a", "/a/b", "/nowhere"});
  const AttachQueue queue({desired_, observation_, loaded_, standing_});
  ASSERT_NE(queue.next(), nullptr);
  EXPECT_EQ(queue.next()->delegation->cgroup, "/a");
  std::vector<std::string> rest;
  for (const auto& request : queue.rest())
    rest.push_back(request.path);
  EXPECT_THAT(rest, ElementsAre("/a/b", "/d"));
}

TEST_F(Reconciler, NothingToDoWhenAllIsThere) {
  want({"/a"});
  load(CgroupId{2}, "/a");
  EXPECT_THAT(detaches(), IsEmpty());
  EXPECT_EQ(attaches(), "");
}

TEST_F(Reconciler, UnwantedAreDetachedChildrenFirst) {
  want({});
  load(CgroupId{2}, "/a");
  load(CgroupId{3}, "/a/b", CgroupId{2});
  EXPECT_THAT(detaches(), ElementsAre(CgroupId{3}, CgroupId{2}));
}

TEST_F(Reconciler, AnotherSchedulerOrOtherOptionsNeedAnotherAttach) {
  want({"/a", "/d", "/a-z"});
  load(CgroupId{2}, "/a");
  load(CgroupId{5}, "/a-z");
  load(CgroupId{6}, "/d");
  policy_.delegations[0].scheduler = "batch";
  policy_.delegations[1].options["slice_us"] = std::int64_t{500};
  EXPECT_THAT(detaches(), IsEmpty());
  EXPECT_THAT(order_of_attaches(), ElementsAre("/a", "/d"));
}

TEST_F(Reconciler, AnotherObjectFileNeedsAnotherAttach) {
  want({"/a"});
  load(CgroupId{2}, "/a");
  loaded_[CgroupId{2}].current = false;
  EXPECT_THAT(detaches(), IsEmpty());
  EXPECT_EQ(attaches(), "/a");
}

TEST_F(Reconciler, WhatCannotBeReplacedNowKeepsItsChildren) {
  want({"/a", "/a/b"});
  load(CgroupId{2}, "/a");
  policy_.delegations[0].scheduler = "batch";
  for (const auto standing : {Standing::waiting, Standing::out}) {
    standings_["/a"] = standing;
    EXPECT_THAT(detaches(), IsEmpty());
    EXPECT_EQ(attaches(), "/a/b");
  }
}

TEST_F(Reconciler, RenamingADelegationDisturbsNobody) {
  want({"/a"});
  load(CgroupId{2}, "/a");
  policy_.delegations[0].name = "other";
  EXPECT_THAT(detaches(), IsEmpty());
}

TEST_F(Reconciler, WhatStandsBelowANewParentMakesRoom) {
  want({"/a", "/a/b"});
  load(CgroupId{3}, "/a/b");
  EXPECT_THAT(detaches(), ElementsAre(CgroupId{3}));
  EXPECT_EQ(attaches(), "/a");
}

TEST_F(Reconciler, NobodyMakesRoomForOneThatCannotBeAttachedNow) {
  want({"/a", "/a/b"});
  load(CgroupId{3}, "/a/b");
  standings_["/a"] = Standing::waiting;
  EXPECT_THAT(detaches(), IsEmpty());
}

TEST_F(Reconciler, NobodyWaitsForWhoIsPassedOver) {
  want({"/a", "/a/b", "/d"});
  EXPECT_THAT(order_of_attaches(), ElementsAre("/a", "/a/b", "/d"));
}

TEST_F(Reconciler, ChildrenWaitForAParentThatIsDueAgain) {
  want({"/a", "/a/b"});
  standings_["/a"] = Standing::waiting;
  EXPECT_EQ(attaches(), "");
  standings_["/a"] = Standing::out;
  EXPECT_EQ(attaches(), "/a/b");
}

TEST_F(Reconciler, ASiblingWithTheSamePrefixIsNoChild) {
  want({"/a", "/a-z"});
  standings_["/a"] = Standing::waiting;
  EXPECT_EQ(attaches(), "/a-z");
}

TEST_F(Reconciler, AForeignSchedulerKeepsItsCgroup) {
  want({"/a"});
  observe(CgroupId{2}, kSelf, true);
  EXPECT_EQ(attaches(), "");
}

TEST_F(Reconciler, ForeignChildrenArePlannedForButNotWhatIsBelowThem) {
  observe(CgroupId{2}, kSelf, true);
  observe(CgroupId{3}, CgroupId{2}, true);
  EXPECT_THAT(attachments(observation_), ElementsAre(Attachment{CgroupId{2}, kSelf, true}));
}

TEST_F(Reconciler, HypotheticalAttachmentsFindTheirParents) {
  observe(CgroupId{6}, kSelf, true);
  EXPECT_THAT(attachments_if({CgroupId{2}, CgroupId{4}}, observation_, tree_),
              ElementsAre(Attachment{CgroupId{2}, kSelf, false},
                          Attachment{CgroupId{4}, CgroupId{2}, false},
                          Attachment{CgroupId{6}, kSelf, true}));
}

}  // namespace
}  // namespace fief
