// SPDX-License-Identifier: GPL-2.0-only
// Cpusets and cgroup files that change while the daemon runs.
#include "control_world.hpp"
#include "core/message_ids.hpp"

namespace fief::test {
namespace {

using ::testing::HasSubstr;

class Cpuset : public World {
 protected:
  /// As the kernel after somebody wrote @p cpus to cpuset.cpus.
  void set_cpuset(const std::string& path, const std::string& cpus) {
    cgroups_.become(path, "cpuset.cpus.effective", cpus + "\n");
    cgroups_.write(path, "cpuset.cpus", cpus + "\n");
  }
  CidSet used(const std::string& path) {
    const auto shown = view(path);
    auto cids = shown.planned_exclusive;
    for (const auto& share : shown.planned_shared)
      cids.insert(share.cid);
    return cids;
  }
  void wait_within(const std::string& path, const CidSet& cpus) {
    wait_until("the cpuset", [&] {
      return !used(path).empty() && used(path).is_subset_of(cpus) && view(path).as_planned &&
             view(path).held.enq().is_subset_of(cpus);
    });
  }
  std::string state() { return controller_->status(Figures::read).state; }
};

TEST_F(Cpuset, IsFollowedAtRunTime) {
  make("/a", 10000);
  set_policy(policy_of({quick("/a")}));
  start();
  EXPECT_GT(owned("/a"), 4U);
  set_cpuset("/a", "2-3");
  // Until then it had no cpuset: that came with its parent's controllers.
  cgroups_.write("/", "cgroup.subtree_control", "+cpuset\n");
  wait_within("/a", {2, 3});
  EXPECT_EQ(view("/a").entitlement.cpuset, (CidSet{2, 3}));
  set_cpuset("/a", "4-7");
  wait_within("/a", {4, 5, 6, 7});
  set_cpuset("/a", "0-7");
  wait_until("all of it again", [&] { return owned("/a") > 4; });
  EXPECT_EQ(state(), "running");
}

TEST_F(Cpuset, ThatLeavesLessThanThePolicyAsksForIsRefusedAtReload) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  cgroups_.become("/a", "cpuset.cpus.effective", "2-3\n");
  start();
  set_policy(R"({"delegations": [{"cgroup": "/a", "min_cpus": 3}]})");
  const auto outcome = reload();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::infeasible);
  EXPECT_THAT(outcome.error().message, HasSubstr("its cpuset lets it use only CPUs 2-3"));
}

TEST_F(Cpuset, ThatContradictsThePolicyAtRunTimeCounts) {
  make("/a");
  make("/b");
  set_policy(R"({"delegations": [{"cgroup": "/a", "placement": "cpus:0-1", "min_cpus": 2},
                                 {"cgroup": "/b", "min_cpus": 3}]})");
  cgroups_.become("/a", "cpuset.cpus.effective", "0-7\n");
  start();
  set_cpuset("/a", "6");
  wait_within("/a", {6});
  EXPECT_EQ(state(), "degraded");
  EXPECT_EQ(logged(message::kPlanRefused), 1U);
  EXPECT_GE(owned("/b"), 3U) << "the demands of others stay";
  make("/c");
  set_cpuset("/a", "0-7");
  wait_within("/a", {0, 1});
  EXPECT_EQ(state(), "running");
}

TEST_F(Cpuset, OfNoUseToAnybodyDoesNotStopScheduling) {
  std::vector<std::string> delegations;
  for (int i = 0; i < 20; ++i) {
    const auto path = fmt::format("/c{}", i);
    make(path);
    cgroups_.become(path, "cpuset.cpus.effective", "0-7\n");
    delegations.push_back(quick(path));
  }
  set_policy(policy_of(delegations));
  start();
  // More participants than can share one CPU.
  for (int i = 0; i < 20; ++i)
    cgroups_.become(fmt::format("/c{}", i), "cpuset.cpus.effective", "0\n");
  cgroups_.write("/c0", "cpuset.cpus", "0\n");
  wait_until("degraded", [&] { return state() == "degraded"; });
  wait_until("a plan", [&] { return view("/c0").as_planned; });
  EXPECT_FALSE(view("/c0").held.immed().empty());
}

TEST_F(Cpuset, IsReadAfreshWhenACpuComesOrGoes) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  cgroups_.become("/a", "cpuset.cpus.effective", "2-3\n");
  start();
  kernel_.set_cid_online(Cid{3}, false);
  cgroups_.become("/a", "cpuset.cpus.effective", "2\n");
  wait_until("the cpuset", [&] { return view("/a").entitlement.cpuset == CidSet{2}; });
}

TEST_F(Cpuset, AControllerSwitchedOffAndOnLeavesTheKernelsWeight) {
  make("/a", 500);
  set_policy(policy_of({quick("/a")}));
  start();
  EXPECT_EQ(view("/a").weight, 500U);
  cgroups_.become("/a", "cpu.weight", "100\n");
  cgroups_.write("/", "cgroup.subtree_control", "+cpu\n");
  wait_until("the weight", [&] { return view("/a").weight == 100; });
  wait_for("/a", SchedulerState::attached);
}

}  // namespace
}  // namespace fief::test
