// SPDX-License-Identifier: GPL-2.0-only
// fief's BPF programs and its kernel port on the real kernel, held to /sys and cpu.stat.
#include <gmock/gmock.h>

#include <array>
#include <csignal>
#include <fstream>
#include <memory>
#include <vector>

#include "kernel/bpf_kernel.hpp"
#include "kernel/exit_kind.hpp"
#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

/// Cid 0 is a's, which lends it, and cid 1 is b's.
class Lending : public RealKernel {
 protected:
  void lend_first_cid(const TestCgroup& a, const TestCgroup& b) {
    load_root();
    attach(a);
    attach(b);
    auto level = level_of(kernel_->topology(), {{a.id(), {0}}, {b.id(), {1}}});
    level.participants[1].lend = Lend::cpus;
    apply(level);
  }
};

TEST_F(RealKernel, RootComesAndGoes) {
  load_root();
  EXPECT_EQ(sysfs_state(), "enabled");
  EXPECT_GE(kernel_->topology().nr_cids(), 4U);
  EXPECT_EQ(kernel_->topology().online().size(), kernel_->topology().nr_cids());
  ASSERT_TRUE(kernel_->leave());
  EXPECT_EQ(sysfs_state(), "disabled");
}

TEST_F(RealKernel, SecondRootIsRefusedInWords) {
  load_root();
  const auto stranger = make_bpf_kernel(loop_, {.pin_dir = "/sys/fs/bpf/stranger"})->probe();
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, Errc::busy);
  EXPECT_THAT(stranger.error().message, ::testing::HasSubstr("fief_root"));
  const auto twin = make_bpf_kernel(loop_, {})->probe();
  ASSERT_FALSE(twin);
  EXPECT_EQ(twin.error().code, Errc::busy);
  EXPECT_THAT(twin.error().message, ::testing::HasSubstr("another fiefd"));
}

TEST_F(RealKernel, ChildGetsExactlyWhatIsGranted) {
  const TestCgroup a("fief-test-a");
  const TestCgroup b("fief-test-b");
  load_root();
  attach(a);
  attach(b);
  EXPECT_TRUE(sysfs_attached(a.id()));
  EXPECT_TRUE(sysfs_caps(a.id(), "enq").empty());
  apply(level_of(kernel_->topology(), {{a.id(), {0, 1}}, {b.id(), {2}}}));
  EXPECT_EQ(sysfs_caps(a.id(), "enq").to_string(), "0-1");
  EXPECT_EQ(sysfs_caps(b.id(), "enq").to_string(), "2");
  apply(level_of(kernel_->topology(), {{a.id(), {1}}, {b.id(), {0, 2}}}));
  EXPECT_EQ(sysfs_caps(a.id(), "enq").to_string(), "1");
  EXPECT_EQ(sysfs_caps(b.id(), "enq").to_string(), "0,2");
  const auto observed = kernel_->observe();
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->find(b.id())->held.enq(), sysfs_caps(b.id(), "enq"));
  EXPECT_EQ(observed->find(b.id())->name, "fief_fair");
}

// With a daemon that is away, or killed at that moment: its tasks run, and nobody is ended.
TEST_F(RealKernel, AChildRunsBeforeItsFirstPlan) {
  TestCgroup a("fief-test-a");
  TestCgroup other("fief-test-other");
  load_root();
  attach(a);
  for (int i = 0; i < 8; ++i)
    other.spin();
  EXPECT_FALSE(sysfs_caps(a.id(), "enq_immed").empty());
  a.spin();
  run_for(1s);
  const auto used = used_during({&a}, [this] { run_for(4s); });
  // it is due two CPUs by weight, and has one task
  EXPECT_NEAR(used[0] / 4, 1.0, 0.1);
  ASSERT_TRUE(kernel_->detach(a.id()));
  wait_until("the detach", [&a] { return !sysfs_attached(a.id()); });
  const auto back = used_during({&a, &other}, [this] { run_for(4s); });
  EXPECT_GT(back[0] + back[1], 0.95 * 4 * static_cast<double>(kernel_->topology().nr_cids()));
}

TEST_F(RealKernel, WorkRunsOnOwnedCpusOnly) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  attach(a);
  attach(b);
  apply(level_of(kernel_->topology(), {{a.id(), {0}}, {b.id(), {1, 2}}}));
  for (int i = 0; i < 4; ++i) {
    a.spin();
    b.spin();
  }
  run_for(2s);
  const auto used = used_during({&a, &b}, [this] { run_for(4s); });
  EXPECT_NEAR(used[1] / used[0], 2.0, 0.1);
  const auto counters = kernel_->counters(a.id());
  ASSERT_TRUE(counters);
  EXPECT_GT(counters->enqueued, 0U);
}

// What changes places at the end of a slice on a cid of its own has nothing to take back.
TEST_F(RealKernel, OwnTasksDoNotTakeTheirCpuBackFromEachOther) {
  TestCgroup a("fief-test-a");
  load_root();
  attach(a);
  apply(level_of(kernel_->topology(), {{a.id(), {0}}}));
  a.spin();
  a.spin();
  run_for(1s);
  const auto before = kernel_->counters(a.id())->reclaims;
  run_for(3s);
  EXPECT_LT(kernel_->counters(a.id())->reclaims - before, 20U);
}

TEST_F(RealKernel, SharedCpuDividesByFractions) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  attach(a);
  attach(b);
  auto level = level_of(kernel_->topology(), {{a.id(), {}}, {b.id(), {}}});
  divide_first_cid(level, {kCpuUnit / 4, kCpuUnit * 3 / 4});
  apply(level);
  EXPECT_TRUE(sysfs_caps(a.id(), "enq").empty());
  EXPECT_EQ(sysfs_caps(a.id(), "enq_immed").to_string(), "0");
  a.spin();
  a.spin();
  b.spin();
  run_for(1s);
  const auto used = used_during({&a, &b}, [this] { run_for(6s); });
  EXPECT_NEAR(used[1] / (used[0] + used[1]), 0.75, 0.02);
}

// Who has 20 ms at a time meets a task that takes half of the CPU more often than who has 1 ms.
TEST_F(RealKernel, WhatRealTimeTakesIsTakenFromAllAlike) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  TestCgroup above("fief-test-real-time");
  load_root();
  attach(a, "batch");
  attach(b, "latency");
  auto level = level_of(kernel_->topology(), {{a.id(), {}}, {b.id(), {}}});
  divide_first_cid(level, {kCpuUnit / 2, kCpuUnit / 2});
  apply(level);
  a.spin();
  b.spin();
  above.run_above_all(kernel_->topology().cids[0].cpu, 0.008, 0.008);
  run_for(2s);
  const auto used = used_during({&a, &b, &above}, [this] { run_for(8s); });
  EXPECT_GT(used[2] / 8, 0.3);
  EXPECT_NEAR(used[0] / (used[0] + used[1]), 0.5, 0.02);
}

// Cid 0 is a's and cid 1 is b's; each may borrow the other's.
TEST_F(RealKernel, IdleCpuIsLentAndTakenBack) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  attach(a);
  attach(b);
  auto level = level_of(kernel_->topology(), {{a.id(), {0}}, {b.id(), {1}}});
  level.participants[1].lend = Lend::cpus;
  level.participants[2].lend = Lend::cpus;
  apply(level);
  EXPECT_EQ(sysfs_caps(a.id(), "enq").to_string(), "0");
  EXPECT_EQ(sysfs_caps(a.id(), "enq_immed").to_string(), "0-1");
  b.spin();
  b.spin();
  run_for(1s);
  const auto lent = used_during({&b}, [this] { run_for(4s); });
  a.spin();
  run_for(500ms);
  const auto taken_back = used_during({&a, &b}, [this] { run_for(4s); });
  EXPECT_GT(lent[0], 1.7 * taken_back[1]);
  EXPECT_NEAR(taken_back[0] / taken_back[1], 1.0, 0.1);
  EXPECT_EQ(sysfs_caps(a.id(), "enq").to_string(), "0");
}

// Each re-enqueue counts towards the 256 after which the kernel ends a scheduler.
TEST_F(RealKernel, PlansReenqueueNobodyWhoWaits) {
  TestCgroup a("fief-test-a");
  TestCgroup other("fief-test-other");
  load_root();
  attach(a);
  const std::array levels{level_of(kernel_->topology(), {{a.id(), {0, 1}}}),
                          level_of(kernel_->topology(), {{a.id(), {0}}})};
  apply(levels[0]);
  a.spin_many(12);
  other.spin_many(12);
  run_for(500ms);
  for (std::size_t i = 0; i < 60; ++i)
    apply(levels[(i + 1) % 2]);
  EXPECT_EQ(kernel_->counters(a.id())->reenq_other, 0U);
  EXPECT_EQ(kernel_->counters(kSelf)->reenq_other, 0U);
  EXPECT_TRUE(sysfs_attached(a.id()));
}

TEST_F(RealKernel, PinnedTaskWithoutItsCpuIsRescued) {
  TestCgroup a("fief-test-a");
  load_root();
  attach(a);
  apply(level_of(kernel_->topology(), {{a.id(), {0, 1}}}));
  const int elsewhere = static_cast<int>(kernel_->topology().cids[3].cpu);
  a.spin(elsewhere);
  const auto used = used_during({&a}, [this] { run_for(4s); });
  EXPECT_GT(used[0], 0.0);
  EXPECT_TRUE(sysfs_attached(a.id()));
  EXPECT_GT(kernel_->counters(a.id())->rescued, 0U);
}

// b's task may run only on a's cid, which is lent, and a is never idle.
TEST_F(Lending, TaskPinnedToALentCpuIsNotStranded) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  lend_first_cid(a, b);
  a.spin();
  a.spin();
  run_for(500ms);
  b.spin(static_cast<int>(kernel_->topology().cids[0].cpu));
  const auto used = used_during({&b}, [this] { run_for(8s); });
  EXPECT_GT(used[0], 0.02);
  EXPECT_TRUE(sysfs_attached(b.id()));
}

TEST_F(RealKernel, RootTasksPinnedToAnOwnedCpuStillRun) {
  TestCgroup a("fief-test-a");
  TestCgroup other("fief-test-other");
  load_root();
  attach(a);
  apply(level_of(kernel_->topology(), {{a.id(), {0}}}));
  a.spin();
  a.spin();
  other.spin(static_cast<int>(kernel_->topology().cids[0].cpu));
  run_for(1s);
  const auto used = used_during({&a, &other}, [this] { run_for(6s); });
  EXPECT_GT(used[1] / (used[0] + used[1]), 0.02);
  EXPECT_LT(used[1] / (used[0] + used[1]), 0.12);
  EXPECT_EQ(sysfs_state(), "enabled");
}

// a's cid is idle. The root, which has two cids, and b, which has one, both want more.
TEST_F(Lending, SpareTimeIsDividedAmongAllWhoWantIt) {
  const TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  TestCgroup other("fief-test-other");
  lend_first_cid(a, b);
  b.spin_many(4);
  other.spin_many(8);
  run_for(1s);
  const auto used = used_during({&b, &other}, [this] { run_for(5s); });
  EXPECT_NEAR(used[0] / (used[0] + used[1]), 1.5 / 4, 0.03);
}

// Its tasks return to a root that had one cid until then, and no daemon plans anew.
TEST_F(RealKernel, WhatAChildLeavesIsUsedAtOnce) {
  TestCgroup a("fief-test-a");
  load_root();
  attach(a);
  apply(level_of(kernel_->topology(), {{a.id(), {0, 1, 2}}}));
  const auto pids = a.spin_many(4);
  run_for(1s);
  ASSERT_TRUE(kernel_->kill(a.id(), "a test"));
  EXPECT_LT(longest_gap(pids, 2s), 600ms);
  const auto used = used_during({&a}, [this] { run_for(2s); });
  EXPECT_GT(used[0], 0.85 * 2 * 4);
}

// What the schedulers themselves account for: who waited how long, who lent and who borrowed.
TEST_F(Lending, WaitsAndLoansAreAccountedFor) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  lend_first_cid(a, b);
  const auto borrowers = b.spin_many(2);
  a.run("while :; do sleep 0.02; done");
  run_for(500ms);
  const auto before_a = *kernel_->counters(a.id());
  const auto before_b = *kernel_->counters(b.id());
  run_for(3s);
  const auto after_a = *kernel_->counters(a.id());
  const auto after_b = *kernel_->counters(b.id());
  const auto borrowed = after_b.borrowed_ns - before_b.borrowed_ns;
  EXPECT_GT(borrowed, 500'000'000U);
  EXPECT_EQ(after_a.borrowed_ns, 0U);
  const auto waits = since(before_a.wake_waits, after_a.wake_waits);
  EXPECT_GT(count_of(waits), 10U);
  EXPECT_LT(percentile_us(waits, 0.5), 50'000);
  EXPECT_LT(count_of(since(before_b.wake_waits, after_b.wake_waits)), 5U);
  // Once nobody borrows any more: what is lent is what others have borrowed, the root's tasks as
  // well.
  for (const pid_t pid : borrowers)
    kill(pid, SIGSTOP);
  run_for(200ms);
  EXPECT_EQ(kernel_->counters(a.id())->lent_ns,
            kernel_->counters(b.id())->borrowed_ns + kernel_->counters(kSelf)->borrowed_ns);
}

TEST_F(RealKernel, EventsTellOfAttachWeightAndRemoval) {
  TestCgroup a("fief-test-a");
  load_root();
  attach(a);
  a.write("cpu.weight", "321");
  wait_until("the weight event", [this, &a] {
    return saw([&a](const Event& event) {
      const auto* changed = std::get_if<WeightChanged>(&event);
      return changed != nullptr && changed->cgroup == a.id() && changed->weight == 321;
    });
  });
  EXPECT_TRUE(saw([&a](const Event& event) {
    const auto* attached = std::get_if<ChildAttached>(&event);
    return attached != nullptr && attached->cgroup == a.id() && attached->name == "fief_fair";
  }));
  a.remove();
  wait_until("the detach event", [this, &a] {
    return saw([&a](const Event& event) {
      const auto* detached = std::get_if<ChildDetached>(&event);
      return detached != nullptr && detached->cgroup == a.id();
    });
  });
  EXPECT_EQ(sysfs_state(), "enabled");
}

TEST_F(RealKernel, FailuresAreTold) {
  const TestCgroup a("fief-test-a");
  load_root();
  const auto missing = try_attach(a, "no-such-scheduler");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  const auto option = try_attach(a, "fair", {{"no_such_option", std::int64_t{1}}});
  ASSERT_FALSE(option);
  EXPECT_THAT(option.error().message, ::testing::HasSubstr("no_such_option"));
  // What cannot be loaded replaces nothing.
  attach(a);
  const auto instead = try_attach(a, "batch", {{"no_such_option", std::int64_t{1}}});
  ASSERT_FALSE(instead);
  const auto observed = kernel_->observe();
  const auto* kept = observed->find(a.id());
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->name, "fief_fair");
  EXPECT_FALSE(kept->foreign);
}

// Some are loaded ahead, some for nothing: one whose cgroup never comes, one that is wanted
// otherwise then.
TEST_F(RealKernel, WhatIsExpectedIsLoadedAhead) {
  load_root();
  std::vector<std::unique_ptr<TestCgroup>> cgroups;
  std::vector<AttachRequest> soon{{CgroupId{1}, "/fief-test-never", "fair", {}}};
  for (const auto* name : {"fief-test-a", "fief-test-b", "fief-test-c", "fief-test-d"}) {
    const auto& cgroup = *cgroups.emplace_back(std::make_unique<TestCgroup>(name));
    soon.push_back({cgroup.id(), cgroup.path(), "fair", {}});
  }
  kernel_->expect(soon);
  attach(*cgroups[0]);
  kernel_->expect({soon.begin() + 2, soon.end()});
  attach(*cgroups[1]);
  attach(*cgroups[2], "batch");
  attach(*cgroups[3]);
  apply(level_of(kernel_->topology(), {{cgroups[0]->id(), {0}},
                                       {cgroups[1]->id(), {1}},
                                       {cgroups[2]->id(), {2}},
                                       {cgroups[3]->id(), {3}}}));
  for (const auto& cgroup : cgroups)
    cgroup->spin();
  run_for(500ms);
  const auto used =
      cpus({cgroups[0].get(), cgroups[1].get(), cgroups[2].get(), cgroups[3].get()}, 2s);
  for (const auto one : used)
    EXPECT_NEAR(one / used.front(), 1.0, 0.2);
}

TEST_F(RealKernel, AReplacementTakesTheTasksOver) {
  TestCgroup a("fief-test-a");
  load_root();
  attach(a);
  apply(level_of(kernel_->topology(), {{a.id(), {0}}}));
  a.spin();
  ASSERT_TRUE(try_attach(a, "batch"));
  const auto observed = kernel_->observe();
  const auto* replaced = observed->find(a.id());
  ASSERT_NE(replaced, nullptr);
  EXPECT_EQ(replaced->name, "fief_batch");
  EXPECT_FALSE(replaced->foreign);
  EXPECT_EQ(kernel_->exit_info(a.id())->kind, exit_kind::kNone);
  apply(level_of(kernel_->topology(), {{a.id(), {0}}}));
  const auto used = used_during({&a}, [this] { run_for(2s); });
  EXPECT_GT(used[0], 0.5);
}

TEST_F(RealKernel, DetachGivesTheTasksBack) {
  TestCgroup a("fief-test-a");
  load_root();
  attach(a);
  apply(level_of(kernel_->topology(), {{a.id(), {0}}}));
  a.spin();
  ASSERT_TRUE(kernel_->detach(a.id()));
  wait_until("the detach", [&a] { return !sysfs_attached(a.id()); });
  apply(level_of(kernel_->topology(), {}));
  const auto used = used_during({&a}, [this] { run_for(2s); });
  EXPECT_GT(used[0], 0.5);
}

TEST_F(RealKernel, KillEndsAChildWithItsReason) {
  TestCgroup a("fief-test-a");
  const TestCgroup b("fief-test-b");
  load_root();
  attach(a);
  attach(b);
  apply(level_of(kernel_->topology(), {{a.id(), {0}}, {b.id(), {1}}}));
  a.spin();
  ASSERT_TRUE(kernel_->find_scheduler("fair"));
  EXPECT_EQ(kernel_->find_scheduler("no-such-scheduler").error().code, Errc::not_found);
  ASSERT_TRUE(kernel_->kill(a.id(), "enough of it"));
  wait_until("its end", [&a] { return !sysfs_attached(a.id()); });
  wait_until("its record", [this, &a] { return kernel_->exit_info(a.id())->kind != 0; });
  const auto exit = kernel_->exit_info(a.id());
  EXPECT_EQ(exit->kind, exit_kind::kKilledByParent);
  EXPECT_THAT(exit->reason + exit->message, ::testing::HasSubstr("enough of it"));
  // Once more finds nobody, and harms nobody.
  const auto again = kernel_->kill(a.id(), "again");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::not_found);
  EXPECT_EQ(sysfs_state(), "enabled");
  EXPECT_TRUE(sysfs_attached(b.id()));
  apply(level_of(kernel_->topology(), {{b.id(), {1}}}));
  const auto used = used_during({&a}, [this] { run_for(2s); });
  EXPECT_GT(used[0], 0.5);
}

}  // namespace
}  // namespace fief::test
