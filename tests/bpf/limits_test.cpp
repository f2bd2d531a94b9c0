// SPDX-License-Identifier: GPL-2.0-only
// cpu.max is a limit under fief's schedulers too: delegated, below a delegated cgroup, or not
// delegated, lent CPUs or not.
#include <gmock/gmock.h>

#include <cmath>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

class Limits : public RealKernel {
 protected:
  /// CPUs that each of @p cgroups uses.
  std::vector<double> cpus_of(const std::vector<const TestCgroup*>& cgroups) {
    run_for(1s);
    return cpus(cgroups, 6s);
  }

  /// What @p cgroup uses comes to @p cpus. Over a longer time if need be: while the host keeps a
  /// CPU from its tick, all that run there overrun, and pay it back out of the next periods.
  void expect_limit(const TestCgroup& cgroup, double cpus, double tolerance) {
    double mean = 0;
    for (int i = 1; i <= 3; ++i) {
      mean += (cpus_of({&cgroup})[0] - mean) / i;
      if (std::abs(mean - cpus) <= tolerance)
        return;
    }
    EXPECT_NEAR(mean, cpus, tolerance);
  }
};

TEST_F(Limits, OfACgroupThatNobodyDelegated) {
  TestCgroup a("fief-test-a");
  a.write("cpu.max", "40000 100000");
  load_root();
  a.spin_many(6);
  expect_limit(a, 0.4, 0.02);
  EXPECT_EQ(sysfs_state(), "enabled");
}

TEST_F(Limits, NestedAndBesideOthers) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup x("fief-test-a/x");
  TestCgroup y("fief-test-a/y");
  TestCgroup b("fief-test-b");
  load_root();
  x.spin_many(4);
  y.spin_many(4);
  b.spin_many(8);
  above.write("cpu.max", "100000 100000");
  x.write("cpu.max", "30000 100000");
  auto used = cpus_of({&x, &y});
  EXPECT_NEAR(used[0], 0.3, 0.015);
  EXPECT_NEAR(used[0] + used[1], 1.0, 0.05);
  above.write("cpu.max", "max");
  x.write("cpu.max", "max");
  used = cpus_of({&x, &y, &b});
  EXPECT_NEAR(used[0] / used[1], 1.0, 0.1);
  EXPECT_GT(used[0] + used[1], 1.7);
}

// What is not used of earlier periods may be used at once, up to the burst.
TEST_F(Limits, ABurstIsKeptAndSpent) {
  TestCgroup a("fief-test-a");
  a.write("cpu.max", "200000 1000000");
  a.write("cpu.max.burst", "200000");
  load_root();
  run_for(3s);
  a.spin_many(4);
  // 0.2 s of the period that begins or goes on, 0.2 s kept.
  const auto at_once = used_during({&a}, [this] { run_for(900ms); });
  EXPECT_GT(at_once[0], 0.35);
  EXPECT_LT(at_once[0], 0.7);
  expect_limit(a, 0.2, 0.03);
}

// Who waits for the end of a long period does not keep one with a short period waiting.
TEST_F(Limits, ShortPeriodsBesideLongOnes) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  a.write("cpu.max", "100000 1000000");
  b.write("cpu.max", "10000 20000");
  load_root();
  a.spin_many(4);
  run_for(500ms);
  b.spin_many(4);
  const auto used = cpus_of({&a, &b});
  EXPECT_NEAR(used[0], 0.1, 0.03);
  EXPECT_NEAR(used[1], 0.5, 0.05);
}

// Who waits for the end of a long period does not wait for it when the limit goes, or gets a short
// one.
TEST_F(Limits, AnotherLimitHoldsAtOnce) {
  TestCgroup a("fief-test-a");
  a.write("cpu.max", "50000 1000000");
  load_root();
  a.spin_many(4);
  run_for(2s);
  a.write("cpu.max", "50000 100000");
  expect_limit(a, 0.5, 0.05);
  a.write("cpu.max", "50000 1000000");
  run_for(200ms);
  a.write("cpu.max", "max");
  EXPECT_GT(used_during({&a}, [this] { run_for(400ms); })[0], 0.8);
}

class LimitsBelow : public Limits, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(InTheBox, LimitsBelow, ::testing::Values("fair", "latency", "batch"),
                         [](const auto& child) { return std::string(child.param); });

TEST_P(LimitsBelow, ADelegatedCgroup) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup x("fief-test-a/x");
  TestCgroup y("fief-test-a/y");
  load_root();
  attach(above, GetParam());
  apply(level_of(kernel_->topology(), {{above.id(), {0, 1, 2}}}));
  x.write("cpu.max", "50000 100000");
  x.spin_many(3);
  y.spin_many(3);
  const auto used = cpus_of({&x, &y});
  EXPECT_NEAR(used[0], 0.5, 0.025);
  EXPECT_GT(used[1], 2.3);
}

// Set before it is attached and changed after; what is lent does not lift it.
TEST_P(LimitsBelow, OfADelegatedCgroupItself) {
  TestCgroup a("fief-test-a");
  const TestCgroup b("fief-test-b");
  a.write("cpu.max", "40000 100000");
  load_root();
  attach(a, GetParam());
  attach(b, GetParam());
  auto level = level_of(kernel_->topology(), {{a.id(), {0}}, {b.id(), {1}}});
  level.participants[2].lend = Lend::cpus;
  apply(level);
  a.spin_many(4);
  expect_limit(a, 0.4, 0.02);
  a.write("cpu.max", "150000 100000");
  expect_limit(a, 1.5, 0.075);
  EXPECT_TRUE(sysfs_attached(a.id()));
}

// A limit above a delegated cgroup is on all that is below, whoever schedules it.
TEST_F(Limits, AboveADelegatedCgroup) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup x("fief-test-a/x");
  TestCgroup y("fief-test-a/y");
  load_root();
  attach(x);
  apply(level_of(kernel_->topology(), {{x.id(), {0, 1}}}));
  above.write("cpu.max", "80000 100000");
  x.spin_many(3);
  y.spin_many(3);
  const auto used = cpus_of({&x, &y});
  EXPECT_NEAR(used[0] + used[1], 0.8, 0.04);
  EXPECT_TRUE(sysfs_attached(x.id()));
}

}  // namespace
}  // namespace fief::test
