// SPDX-License-Identifier: GPL-2.0-only
// Delegations that patterns make of cgroups as they come and go.
#include "control_world.hpp"
#include "core/message_ids.hpp"

namespace fief::test {
namespace {

constexpr char kPods[] = R"({"name": "pods", "cgroup_glob": "/kube.slice/*/cri-*.scope",
                             "weight": 300, "scheduler": "batch"})";

class Pattern : public World {
 protected:
  void start_with_pods() {
    make("/kube.slice");
    make("/kube.slice/pod1.slice");
    make("/kube.slice/pod1.slice/cri-a.scope");
    make("/kube.slice/pod1.slice/other.scope");
    set_policy(policy_of({kPods}));
    start();
  }
  Status change(const std::string& subject, std::map<std::string, ChangedValue> keys,
                Lifetime lifetime = Lifetime::until_restart) {
    return perform(Set{subject, std::move(keys), lifetime});
  }
  Status detach(const std::string& subject) {
    return perform(Detach{subject, Lifetime::until_restart});
  }
  static constexpr char kA[] = "/kube.slice/pod1.slice/cri-a.scope";
  static constexpr char kB[] = "/kube.slice/pod2.slice/cri-b.scope";
};

TEST_F(Pattern, DelegatesWhatIsThereAndWhatComes) {
  start_with_pods();
  EXPECT_EQ(view(kA).state, SchedulerState::attached);
  EXPECT_EQ(view(kA).scheduler, "batch");
  EXPECT_EQ(view(kA).weight, 300U);
  EXPECT_EQ(view("/kube.slice/pod1.slice/other.scope").path, "");
  make("/kube.slice/pod2.slice");
  make(kB);
  wait_for(kB, SchedulerState::attached);
  EXPECT_GT(owned(kB), 0U);
  remove(kB);
  wait_until("it is forgotten", [this] { return view(kB).path.empty(); });
  EXPECT_EQ(view(kA).state, SchedulerState::attached);
}

TEST_F(Pattern, AnswersDoNotWaitForWhoComesMeanwhile) {
  start_with_pods();
  make("/kube.slice/pod2.slice");
  kernel_.hold_changes(true);
  make(kB);
  wait_for(kB, SchedulerState::attaching);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(change(kA, {{"weight", 900}}));
  EXPECT_EQ(view(kA).weight, 900U);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{2});
  EXPECT_EQ(view(kB).state, SchedulerState::attaching);
  kernel_.hold_changes(false);
  wait_for(kB, SchedulerState::attached);
}

TEST_F(Pattern, ChangesOfOneCgroupLeaveTheOthersAlone) {
  start_with_pods();
  make("/kube.slice/pod2.slice");
  make(kB);
  wait_for(kB, SchedulerState::attached);
  ASSERT_TRUE(change("cri-a.scope", {{"weight", 900}}));
  EXPECT_EQ(view(kA).weight, 900U);
  EXPECT_EQ(view(kB).weight, 300U);
  ASSERT_TRUE(change(kB, {{"weight", 700}}, Lifetime::persistent));
  ASSERT_TRUE(reload());
  EXPECT_EQ(view(kA).weight, 900U);
  EXPECT_EQ(view(kB).weight, 700U);
  ASSERT_TRUE(perform(Revert{kB}));
  EXPECT_EQ(view(kB).weight, 300U);
}

// Containers in containers have paths that no file name could hold.
TEST_F(Pattern, ChangesOfACgroupWithALongPath) {
  start_with_pods();
  const auto above = "/kube.slice/pod-" + std::string(200, 'x') + ".slice";
  const auto long_path = above + "/cri-" + std::string(200, 'y') + ".scope";
  make(above);
  make(long_path);
  wait_for(long_path, SchedulerState::attached);
  ASSERT_TRUE(change(long_path, {{"weight", 900}}));
  EXPECT_EQ(view(long_path).weight, 900U);
  ASSERT_TRUE(change(long_path, {{"weight", 700}}, Lifetime::persistent));
  ASSERT_TRUE(reload());
  EXPECT_EQ(view(long_path).weight, 700U);
  ASSERT_TRUE(detach(long_path));
  EXPECT_EQ(kernel_.observe()->find(id(long_path)), nullptr);
}

TEST_F(Pattern, AChangeByItsNameIsOfAllThatItMeans) {
  start_with_pods();
  ASSERT_TRUE(change("pods", {{"weight", 50}, {"scheduler", std::string("fair")}}));
  EXPECT_EQ(view(kA).weight, 50U);
  EXPECT_EQ(view(kA).scheduler, "fair");
  kernel_.set_schedulers({"fair"});
  EXPECT_EQ(change("pods", {{"scheduler", std::string("fiar")}}).error().message,
            "scheduler: there is no scheduler \"fiar\"; there are fair; did you mean \"fair\"?");
  ASSERT_TRUE(detach("pods"));
  EXPECT_EQ(kernel_.observe()->find(id(kA)), nullptr);
}

TEST_F(Pattern, OneThatIsDetachedStaysDetached) {
  start_with_pods();
  ASSERT_TRUE(detach(kA));
  EXPECT_EQ(kernel_.observe()->find(id(kA)), nullptr);
  make("/kube.slice/pod2.slice");
  make(kB);
  wait_for(kB, SchedulerState::attached);
  EXPECT_EQ(kernel_.observe()->find(id(kA)), nullptr);
}

constexpr char kGrownPods[] = R"({"name": "pods", "cgroup_glob": "/kube.slice/*/cri-*.scope",
                                  "min_age_ms": 400})";

class YoungPattern : public Pattern {
 protected:
  void start_with(const char* policy) {
    make("/kube.slice");
    make("/kube.slice/pod1.slice");
    make("/kube.slice/pod2.slice");
    make(kA);
    set_policy(policy_of({policy}));
    start();
  }
  void make_young(const std::string& path) {
    make(path);
    wait_until("it is seen", [&] { return view(path).cgroup == id(path); });
  }
};

TEST_F(YoungPattern, WhatComesGetsItsSchedulerWhenItIsOldEnough) {
  start_with(kGrownPods);
  EXPECT_EQ(view(kA).state, SchedulerState::attached) << "it was there before";
  const auto before = std::chrono::steady_clock::now();
  make_young(kB);
  EXPECT_EQ(view(kB).state, SchedulerState::waiting);
  EXPECT_THAT(view(kB).last_error,
              testing::MatchesRegex("waits: [0-9]+ ms until it is old enough"));
  EXPECT_THAT(controller_->explain(kB)->text,
              testing::MatchesRegex(std::string(kB) +
                                    " waits: [0-9]+ ms until it is old enough .min_age_ms 400.\n"));
  wait_for(kB, SchedulerState::attached);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(400));
  EXPECT_EQ(view(kB).last_error, "");
}

TEST_F(YoungPattern, WhatGoesBeforeCostsNothing) {
  start_with(kGrownPods);
  listener_.signals.clear();
  make_young(kB);
  remove(kB);
  wait_until("it is forgotten", [this] { return view(kB).path.empty(); });
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  wait_until("time has passed", [until] { return std::chrono::steady_clock::now() > until; });
  EXPECT_THAT(listener_.signals, testing::IsEmpty());
}

TEST_F(YoungPattern, WhoIsAskedForByNameNeedNotWait) {
  start_with(kGrownPods);
  make_young(kB);
  ASSERT_TRUE(perform(Attach{kB, {}, Lifetime::until_restart}));
  EXPECT_EQ(view(kB).state, SchedulerState::attached);
}

TEST_F(YoungPattern, WhoHasASchedulerWaitsForNothing) {
  start_with(kPods);
  ASSERT_TRUE(change("pods", {{"min_age_ms", 60000}}));
  EXPECT_EQ(view(kA).state, SchedulerState::attached);
  EXPECT_EQ(view(kA).last_error, "");
}

// A reload takes what is there, and no answer waits for anybody's age.
TEST_F(YoungPattern, ReloadsDoNotWait) {
  start_with(kPods);
  make(kB);
  wait_for(kB, SchedulerState::attached);
  set_policy(policy_of({R"({"name": "pods", "cgroup_glob": "/kube.slice/*/cri-*.scope",
                            "min_age_ms": 60000})"}));
  ASSERT_TRUE(reload());
  EXPECT_EQ(view(kB).scheduler, "fair");
  remove(kB);
  make_young(kB);
  ASSERT_TRUE(change("pods", {{"weight", 50}}));
  EXPECT_EQ(view(kB).state, SchedulerState::waiting);
}

TEST_F(Pattern, WhatWouldBeNestedTooDeepIsLeftOutAndSaid) {
  make("/a");
  make("/a/b");
  make("/a/b/c");
  make("/a/b/c/d");
  set_policy(policy_of({R"({"cgroup_regex": "/a.*"})"}));
  start();
  EXPECT_EQ(view("/a/b/c").state, SchedulerState::attached);
  EXPECT_EQ(view("/a/b/c/d").path, "");
  make("/b");
  settle();
  const auto said = std::ranges::count_if(
      records_, [](const auto& record) { return record.fields.cgroup == "/a/b/c/d"; });
  EXPECT_EQ(said, 1);
}

}  // namespace
}  // namespace fief::test
