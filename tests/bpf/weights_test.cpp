// SPDX-License-Identifier: GPL-2.0-only
// What Linux's cpu controller promises holds under fief's schedulers too: weights at every level
// whatever the number of tasks, and that everybody runs.
#include <gmock/gmock.h>

#include <algorithm>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

void spin(TestCgroup& cgroup, int tasks, int nice_value = 0) {
  for (int i = 0; i < tasks; ++i)
    cgroup.spin(-1, nice_value);
}

/// The parts of the whole that each of @p used is.
std::vector<double> parts(std::vector<double> used) {
  double sum = 0;
  for (const double one : used)
    sum += one;
  for (double& one : used)
    one /= sum;
  return used;
}

class Weights : public RealKernel {
 protected:
  /// How @p cgroups divide the CPU time they use.
  std::vector<double> parts_of(const std::vector<const TestCgroup*>& cgroups) {
    run_for(2s);
    return parts(used_during(cgroups, [this] { run_for(4s); }));
  }
};

// The number of tasks must not matter.
TEST_F(Weights, CgroupsThatNobodyDelegatedDivideByWeight) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  a.write("cpu.weight", "300");
  load_root();
  spin(a, 8);
  spin(b, 40);
  const auto part = parts_of({&a, &b});
  EXPECT_NEAR(part[0], 0.75, 0.03);
  EXPECT_NEAR(part[1], 0.25, 0.03);
}

TEST_F(Weights, NestedCgroupsDivideByTheProductOfTheLevels) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup x("fief-test-a/x");
  TestCgroup y("fief-test-a/y");
  TestCgroup b("fief-test-b");
  x.write("cpu.weight", "200");
  load_root();
  spin(x, 30);
  spin(y, 9);
  spin(b, 10);
  const auto part = parts_of({&x, &y, &b});
  EXPECT_NEAR(part[0], 1.0 / 3, 0.03);
  EXPECT_NEAR(part[1], 1.0 / 6, 0.03);
  EXPECT_NEAR(part[2], 1.0 / 2, 0.03);
}

TEST_F(Weights, AWeightThatChangesIsFollowed) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  spin(a, 8);
  spin(b, 8);
  EXPECT_NEAR(parts_of({&a, &b})[0], 0.5, 0.03);
  a.write("cpu.weight", "25");
  EXPECT_NEAR(parts_of({&a, &b})[0], 0.2, 0.03);
  a.write("cpu.idle", "1");
  EXPECT_LT(parts_of({&a, &b})[0], 0.02);
  a.write("cpu.idle", "0");
  EXPECT_NEAR(parts_of({&a, &b})[0], 0.5, 0.03);
}

TEST_F(Weights, SiblingsOfADelegatedCgroupKeepTheirParts) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup delegated("fief-test-a/x");
  TestCgroup beside("fief-test-a/y");
  TestCgroup b("fief-test-b");
  load_root();
  attach(delegated);
  apply(level_of(kernel_->topology(), {{delegated.id(), {0, 1}}}));
  spin(delegated, 4);
  spin(beside, 12);
  spin(b, 12);
  // Of the whole: x and y a quarter each, b a half.
  const auto part = parts_of({&beside, &b});
  EXPECT_NEAR(part[0], 1.0 / 3, 0.03);
}

class WeightsBelow : public Weights, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(InTheBox, WeightsBelow, ::testing::Values("fair", "latency", "batch"),
                         [](const auto& child) { return std::string(child.param); });

TEST_P(WeightsBelow, CgroupsBelowADelegatedOneDivideByWeight) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup x("fief-test-a/x");
  TestCgroup y("fief-test-a/y");
  x.write("cpu.weight", "300");
  load_root();
  attach(above, GetParam());
  apply(level_of(kernel_->topology(), {{above.id(), {0, 1}}}));
  spin(x, 2);
  spin(y, 20);
  EXPECT_NEAR(parts_of({&x, &y})[0], 0.75, 0.03);
  y.write("cpu.weight", "900");
  EXPECT_NEAR(parts_of({&x, &y})[0], 0.25, 0.03);
}

class EverybodyRuns : public RealKernel {
 protected:
  std::vector<pid_t> spin(TestCgroup& cgroup, int tasks, int nice_value = 0) {
    std::vector<pid_t> pids(static_cast<std::size_t>(tasks));
    std::ranges::generate(pids, [&] { return cgroup.spin(-1, nice_value); });
    return pids;
  }
};

// What ran alone for long must not wait for all that once others come.
TEST_F(EverybodyRuns, NiceTasksThatHadTheMachineAlone) {
  TestCgroup a("fief-test-a");
  load_root();
  const int cpus = static_cast<int>(kernel_->topology().nr_cids());
  const auto nice = spin(a, cpus, 19);
  run_for(5s);
  spin(a, 2 * cpus);
  EXPECT_LT(longest_gap(nice, 8s), 3s);
  EXPECT_EQ(sysfs_state(), "enabled");
}

TEST_F(EverybodyRuns, NiceTasksBesideAHundredOthers) {
  TestCgroup a("fief-test-a");
  load_root();
  spin(a, 100);
  const auto nice = spin(a, 4, 19);
  EXPECT_LT(longest_gap(nice, 8s), 3s);
}

TEST_F(EverybodyRuns, BelowAChildThatIsDueLittle) {
  TestCgroup a("fief-test-a");
  load_root();
  attach(a);
  auto level = level_of(kernel_->topology(), {{a.id(), {}}});
  level.participants[0].exclusive.erase(Cid{0});
  level.participants[0].shared = {{Cid{0}, kCpuUnit * 999 / 1000}};
  level.participants[1].shared = {{Cid{0}, kCpuUnit / 1000}};
  apply(level);
  TestCgroup other("fief-test-other");
  const int cpus = static_cast<int>(kernel_->topology().nr_cids());
  spin(other, 2 * cpus);
  const auto few = spin(a, 2);
  EXPECT_LT(longest_gap(few, 8s), 3s);
  const auto many = spin(a, 40);
  run_for(3s);
  EXPECT_LT(longest_gap(many, 8s), 3s);
  EXPECT_TRUE(sysfs_attached(a.id()));
}

// A sixteenth of the machine is what a plan leaves the root at least.
TEST_F(EverybodyRuns, AtTheRootThatKeepsLittle) {
  TestCgroup a("fief-test-a");
  TestCgroup other("fief-test-other");
  load_root();
  attach(a);
  const auto nr_cids = kernel_->topology().nr_cids();
  auto level = level_of(kernel_->topology(), {{a.id(), CidSet::first(nr_cids)}});
  level.participants[1].exclusive.erase(Cid{0});
  const auto kept = static_cast<CpuTime>(nr_cids) * kCpuUnit / 16;
  level.participants[0].shared = {{Cid{0}, kept}};
  level.participants[1].shared = {{Cid{0}, kCpuUnit - kept}};
  apply(level);
  spin(a, 2 * static_cast<int>(nr_cids));
  const auto small = spin(other, 20);
  EXPECT_LT(longest_gap(small, 8s), 3s);
  EXPECT_EQ(sysfs_state(), "enabled");
}

}  // namespace
}  // namespace fief::test
