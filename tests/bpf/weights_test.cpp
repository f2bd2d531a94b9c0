// SPDX-License-Identifier: GPL-2.0-only
// What Linux's cpu controller promises holds under fief's schedulers too: weights at every level
// whatever the number of tasks, and that everybody runs.
#include <gmock/gmock.h>
#include <sched.h>

#include <memory>
#include <random>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

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
  a.spin_many(8);
  b.spin_many(40);
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
  x.spin_many(30);
  y.spin_many(9);
  b.spin_many(10);
  const auto part = parts_of({&x, &y, &b});
  EXPECT_NEAR(part[0], 1.0 / 3, 0.03);
  EXPECT_NEAR(part[1], 1.0 / 6, 0.03);
  EXPECT_NEAR(part[2], 1.0 / 2, 0.03);
}

TEST_F(Weights, AWeightThatChangesIsFollowed) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  a.spin_many(8);
  b.spin_many(8);
  EXPECT_NEAR(parts_of({&a, &b})[0], 0.5, 0.03);
  a.write("cpu.weight", "25");
  EXPECT_NEAR(parts_of({&a, &b})[0], 0.2, 0.03);
  a.write("cpu.idle", "1");
  // 0.003 by weight; and each of the eight has a slice of 4 ms for its age once a second: 0.008.
  EXPECT_NEAR(parts_of({&a, &b})[0], 0.011, 0.02);
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
  delegated.spin_many(4);
  beside.spin_many(12);
  b.spin_many(12);
  // Of the whole: x and y a quarter each, b a half.
  const auto part = parts_of({&beside, &b});
  EXPECT_NEAR(part[0], 1.0 / 3, 0.03);
}

// While each had one task, both had all that they could use.
TEST_F(Weights, CountAgainOnceThereAreTasksEnough) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup x("fief-test-a/x");
  TestCgroup y("fief-test-a/y");
  x.write("cpu.weight", "300");
  load_root();
  x.spin();
  y.spin();
  EXPECT_NEAR(parts_of({&x, &y})[0], 0.5, 0.03);
  x.spin_many(7);
  y.spin_many(7);
  EXPECT_NEAR(parts_of({&x, &y})[0], 0.75, 0.03);
}

// The rule of cgroup v2, on trees that nobody chose. The arithmetic alone: tests/property.
TEST_F(Weights, RandomTreesDivideByTheRule) {
  for (const unsigned seed : {1U, 2U}) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto any_weight = [&random] { return std::uniform_int_distribution(50U, 400U)(random); };
    std::vector<std::unique_ptr<TestCgroup>> inner;
    std::vector<std::unique_ptr<TestCgroup>> leaves;
    std::vector<const TestCgroup*> measured;
    std::vector<double> due;
    double all = 0;
    if (seed == 1)
      load_root();
    for (const std::string name : {"fief-test-a", "fief-test-b"}) {
      inner.push_back(std::make_unique<TestCgroup>(name, TestCgroup::Below::cpu));
      const auto weight = any_weight();
      inner.back()->write("cpu.weight", std::to_string(weight));
      std::vector<unsigned> below{any_weight(), any_weight()};
      for (std::size_t i = 0; i < below.size(); ++i) {
        leaves.push_back(std::make_unique<TestCgroup>(name + "/" + std::to_string(i)));
        leaves.back()->write("cpu.weight", std::to_string(below[i]));
        leaves.back()->spin_many(std::uniform_int_distribution(4, 12)(random));
        measured.push_back(leaves.back().get());
        due.push_back(static_cast<double>(weight) * below[i] / (below[0] + below[1]));
      }
      all += weight;
    }
    const auto part = parts_of(measured);
    for (std::size_t i = 0; i < due.size(); ++i)
      EXPECT_NEAR(part[i], due[i] / all, 0.03);
    leaves.clear();
  }
}

// SCHED_IDLE counts for next to nothing in its cgroup, and runs.
TEST_F(Weights, IdleTasksTakeWhatIsLeft) {
  TestCgroup a("fief-test-a");
  load_root();
  const auto busy = a.spin_many(4);
  const auto idle = a.spin_many(4);
  const sched_param none{};
  for (const pid_t pid : idle)
    ASSERT_EQ(sched_setscheduler(pid, SCHED_IDLE, &none), 0);
  const auto used_by = [](const std::vector<pid_t>& pids) {
    double used = 0;
    for (const pid_t pid : pids)
      used += cpu_seconds(pid);
    return used;
  };
  run_for(1s);
  const std::vector<double> before{used_by(busy), used_by(idle)};
  EXPECT_LT(longest_gap(idle, 6s), 3s);
  const auto part = parts({used_by(busy) - before[0], used_by(idle) - before[1]});
  EXPECT_LT(part[1], 0.03);
  EXPECT_GT(part[1], 0.0);
}

// Who wakes does not wait for the end of the slice of one that weighs next to nothing: beside those
// it waits for less than beside its equals.
TEST_F(Weights, WhoWakesTakesTheCpuOfALightTask) {
  load_root();
  std::vector<double> waited_us;
  for (const int nice_value : {0, 19}) {
    TestCgroup busy("fief-test-a");
    TestCgroup sleeper("fief-test-b");
    busy.spin_many(8, nice_value);
    run_for(1s);
    const auto before = kernel_->counters(kSelf)->wake_waits;
    sleeper.run("while :; do sleep 0.02; done");
    run_for(5s);
    const auto waits = since(before, kernel_->counters(kSelf)->wake_waits);
    ASSERT_GT(count_of(waits), 30U);
    waited_us.push_back(percentile_us(waits, 0.5));
  }
  EXPECT_LT(waited_us[1], waited_us[0]) << "microseconds";
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
  x.spin_many(2);
  y.spin_many(20);
  EXPECT_NEAR(parts_of({&x, &y})[0], 0.75, 0.03);
  y.write("cpu.weight", "900");
  EXPECT_NEAR(parts_of({&x, &y})[0], 0.25, 0.03);
}

class EverybodyRuns : public RealKernel {};

// What ran alone for long must not wait for all that once others come.
TEST_F(EverybodyRuns, NiceTasksThatHadTheMachineAlone) {
  TestCgroup a("fief-test-a");
  load_root();
  const int cpus = static_cast<int>(kernel_->topology().nr_cids());
  const auto nice = a.spin_many(cpus, 19);
  run_for(5s);
  a.spin_many(2 * cpus);
  EXPECT_LT(longest_gap(nice, 8s), 3s);
  EXPECT_EQ(sysfs_state(), "enabled");
}

TEST_F(EverybodyRuns, NiceTasksBesideAHundredOthers) {
  TestCgroup a("fief-test-a");
  load_root();
  a.spin_many(100);
  const auto nice = a.spin_many(4, 19);
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
  other.spin_many(2 * cpus);
  const auto few = a.spin_many(2);
  EXPECT_LT(longest_gap(few, 8s), 3s);
  const auto many = a.spin_many(40);
  run_for(3s);
  EXPECT_LT(longest_gap(many, 8s), 3s);
  EXPECT_TRUE(sysfs_attached(a.id()));
}

// Who was running when it came goes elsewhere, and does not wait for as long as it computes: at a
// child, and at the root.
TEST_F(EverybodyRuns, BesideATaskOfRealTimePriority) {
  TestCgroup a("fief-test-a");
  TestCgroup other("fief-test-other");
  TestCgroup above("fief-test-real-time");
  load_root();
  attach(a);
  apply(level_of(kernel_->topology(), {{a.id(), {0, 1}}}));
  const auto delegated = a.spin_many(3);
  const auto others = other.spin_many(3);
  run_for(1s);
  for (const int cid : {0, 2})
    above.run_above_all(kernel_->topology().cids[static_cast<std::size_t>(cid)].cpu, 0.9, 0.02);
  EXPECT_LT(longest_gap(delegated, 8s), 700ms);
  EXPECT_LT(longest_gap(others, 8s), 700ms);
  EXPECT_GT(above.usage(), 4.0);
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
  a.spin_many(2 * static_cast<int>(nr_cids));
  const auto small = other.spin_many(20);
  EXPECT_LT(longest_gap(small, 8s), 3s);
  EXPECT_EQ(sysfs_state(), "enabled");
}

}  // namespace
}  // namespace fief::test
