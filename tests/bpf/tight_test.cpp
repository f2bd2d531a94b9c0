// SPDX-License-Identifier: GPL-2.0-only
// Tight use: crowds behind limits, crowds bound to one CPU, many who have waited too long, weights
// that the kernel tells nobody of. Nobody can end a scheduler by it.
#include <gmock/gmock.h>

#include <csignal>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

class Tight : public RealKernel {
 protected:
  /// Everybody of the scheduler's own, and whoever is attached, goes on after @p time.
  void expect_all_goes_on(std::chrono::milliseconds time,
                          const std::vector<const TestCgroup*>& attached = {}) {
    run_for(time);
    EXPECT_EQ(sysfs_state(), "enabled");
    for (const auto* cgroup : attached)
      EXPECT_TRUE(sysfs_attached(cgroup->id()));
  }

  static int run_nr(const std::vector<pid_t>& pids, double least) {
    int count = 0;
    for (const auto pid : pids)
      count += cpu_seconds(pid) >= least ? 1 : 0;
    return count;
  }
};

// The kernel's watchdog ends a scheduler when a task does not run for 20 s; limits are no excuse.
TEST_F(Tight, CrowdsBehindSmallLimits) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  a.write("cpu.max", "1000 100000");
  b.write("cpu.max", "2000 100000");
  load_root();
  const auto crowd = a.spin_many(200);
  b.spin_many(60);
  run_for(5s);
  const auto used = cpus({&a, &b}, 20s);
  EXPECT_LT(used[0], 0.05);
  EXPECT_LT(used[1], 0.06);
  expect_all_goes_on(15s);
  a.write("cpu.max", "max");
  b.write("cpu.max", "max");
  const auto at_large = cpus({&a, &b}, 4s);
  EXPECT_GT(at_large[0] + at_large[1], 3.6);
}

TEST_F(Tight, ACrowdBehindALimitAboveADelegation) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup c("fief-test-a/c");
  load_root();
  attach(c);
  above.write("cpu.max", "1000 100000");
  c.spin_many(100);
  expect_all_goes_on(35s, {&c});
}

TEST_F(Tight, ACrowdBehindTheLimitOfADelegation) {
  TestCgroup c("fief-test-c");
  load_root();
  attach(c);
  c.write("cpu.max", "1000 100000");
  c.spin_many(100);
  expect_all_goes_on(35s, {&c});
}

// All CPUs begin on the same rest of a budget.
TEST_F(Tight, HogsOnAllCpusBehindATinyQuota) {
  TestCgroup a("fief-test-a");
  load_root();
  a.spin_many(16);
  a.write("cpu.max", "1000 100000");
  run_for(3s);
  EXPECT_NEAR(cpus({&a}, 20s)[0], 0.01, 0.004);
}

// Exits wait for nobody, and a limit is no reason for them to wait.
TEST_F(Tight, KilledTasksEndBehindALimit) {
  TestCgroup a("fief-test-a");
  load_root();
  a.spin_many(40);
  a.write("cpu.max", "1000 1000000");
  run_for(3s);
  const auto began = std::chrono::steady_clock::now();
  a.write("cgroup.kill", "1");
  a.remove();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

// A hog behind a limit is served however many other groups have one.
TEST_F(Tight, ManyCgroupsWithALimit) {
  TestCgroup a("fief-test-a");
  const TestCgroup many("fief-test-many", TestCgroup::Below::cpu);
  load_root();
  a.write("cpu.max", "10000 100000");
  a.spin();
  std::vector<std::unique_ptr<TestCgroup>> others;
  for (int i = 0; i < 300; ++i) {
    others.push_back(std::make_unique<TestCgroup>("fief-test-many/" + std::to_string(i)));
    others.back()->write("cpu.max", "10000 100000");
  }
  EXPECT_NEAR(cpus({&a}, 5s)[0], 0.1, 0.01);
}

// The kernel makes the weight 100 when idle is cleared, and does not tell of one that it told
// before.
TEST_F(Tight, AWeightTheKernelDoesNotTellOf) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  a.spin_many(8);
  b.spin_many(8);
  a.write("cpu.weight", "500");
  a.write("cpu.idle", "1");
  a.write("cpu.idle", "0");
  a.write("cpu.weight", "500");
  run_for(2s);
  const auto used = cpus({&a, &b}, 4s);
  EXPECT_NEAR(used[0] / used[1], 5, 0.6);
}

TEST_F(Tight, AControllerThatIsSwitchedOffAndOn) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup c("fief-test-a/c");
  TestCgroup d("fief-test-a/d");
  load_root();
  attach(c);
  auto level = level_of(kernel_->topology(), {{c.id(), {0}}});
  for (auto& participant : level.participants)
    participant.lend = Lend::cpus;
  apply(level);
  c.spin_many(6);
  d.spin_many(6);
  above.write("cgroup.subtree_control", "-cpu");
  run_for(1s);
  above.write("cgroup.subtree_control", "+cpu");
  c.write("cpu.weight", "300");
  run_for(1s);
  const auto used = cpus({&c, &d}, 4s);
  EXPECT_NEAR(used[0] / (used[0] + used[1]), 0.75, 0.04);
}

// Bound to a CPU that another delegation has for itself: the kernel's rescue is paced.
TEST_F(Tight, ManyTasksBoundToACpuOfAnother) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  attach(a);
  attach(b);
  apply(level_of(kernel_->topology(), {{a.id(), {0}}, {b.id(), {1, 2}}}));
  a.spin_many(2);
  b.spin_many(2);
  const auto cpu = static_cast<int>(kernel_->topology().cids[0].cpu);
  constexpr int kBound = 30;
  std::vector<pid_t> bound;
  bound.reserve(kBound);
  for (int i = 0; i < kBound; ++i)
    bound.push_back(b.spin(cpu));
  expect_all_goes_on(25s, {&a, &b});
  EXPECT_GT(run_nr(bound, 0.005), 25);
}

// Crowds who have waited too long on a shared CPU leave the third its turns.
TEST_F(Tight, TwoCrowdsAndAThird) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  TestCgroup c("fief-test-c");
  c.write("cpu.weight", "10000");
  load_root();
  attach(a);
  attach(b);
  attach(c);
  auto level = level_of(kernel_->topology(), {{a.id(), {}}, {b.id(), {}}, {c.id(), {}}});
  divide_first_cid(level, {kCpuUnit / 100, kCpuUnit / 100, kCpuUnit * 98 / 100});
  apply(level);
  a.spin_many(100);
  b.spin_many(100);
  c.spin();
  run_for(3s);
  const auto used = cpus({&a, &b, &c}, 8s);
  EXPECT_GT(used[2], 0.45);
}

// Slices of 20 ms get short while a crowd has waited too long.
TEST_F(Tight, ACrowdOfLongSlicesOnOneCpu) {
  TestCgroup a("fief-test-a");
  load_root();
  attach(a, "batch");
  apply(level_of(kernel_->topology(), {{a.id(), {0}}}));
  const auto crowd = a.spin_many(200);
  run_for(5s);
  EXPECT_LT(longest_gap(crowd, 8s), 4s);
  EXPECT_TRUE(sysfs_attached(a.id()));
}

// Works 0.8 ms and sleeps 0.2 ms behind a limit above its delegation, beside borrowers: what it is
// charged is what it used.
TEST_F(Tight, ALimitAboveADelegationThatSleepsOften) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup c("fief-test-a/c");
  TestCgroup other("fief-test-o");
  load_root();
  attach(c);
  auto level = level_of(kernel_->topology(), {{c.id(), {0}}});
  for (auto& participant : level.participants)
    participant.lend = Lend::cpus;
  apply(level);
  above.write("cpu.max", "20000 100000");
  other.spin_many(8);
  c.run(
      "exec python3 -c 'import time\nwhile 1:\n t=time.monotonic()+.0008\n while "
      "time.monotonic()<t: pass\n "
      "time.sleep(.0002)'");
  run_for(3s);
  EXPECT_NEAR(cpus({&c}, 8s)[0], 0.2, 0.03);
}

}  // namespace
}  // namespace fief::test
