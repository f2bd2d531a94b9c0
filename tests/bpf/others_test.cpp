// SPDX-License-Identifier: GPL-2.0-only
// What others take of a CPU, and tasks that may run on some CPUs only: neither is the loss of
// whoever happens to have those CPUs by the plan.
#include <gmock/gmock.h>

#include <sched.h>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

class Others : public RealKernel {
 protected:
  /// a and b, of equal weight, own a machine of four CPUs: a the first two, b the others.
  void delegate_all() {
    load_root();
    attach(a_);
    attach(b_);
    apply(lending(level_of(kernel_->topology(), {{a_.id(), {0, 1}}, {b_.id(), {2, 3}}})));
  }

  [[nodiscard]] int cpu_of(std::size_t cid) const {
    return static_cast<int>(kernel_->topology().cids.at(cid).cpu);
  }

  /// CPUs that each of @p pids uses in @p time from now on.
  std::vector<double> cpus_of_each(const std::vector<pid_t>& pids, std::chrono::milliseconds time) {
    std::vector<double> used;
    used.reserve(pids.size());
    for (const auto pid : pids)
      used.push_back(-cpu_seconds(pid));
    run_for(time);
    for (std::size_t i = 0; i < pids.size(); ++i)
      used[i] = (used[i] + cpu_seconds(pids[i])) / std::chrono::duration<double>(time).count();
    return used;
  }

  TestCgroup a_{"fief-test-a"};
  TestCgroup b_{"fief-test-b"};
};

TEST_F(Others, ARealTimeTaskIsEverybodysLoss) {
  delegate_all();
  a_.spin_many(4);
  b_.spin_many(4);
  TestCgroup above("fief-test-o");
  above.run_above_all(static_cast<std::uint32_t>(cpu_of(0)), 0.09, 0.01);
  run_for(2s);
  const auto used = cpus({&a_, &b_}, 6s);
  // each within a twentieth of 1.55 CPUs
  EXPECT_NEAR(used[0] / used[1], 1.0, 0.1);
  EXPECT_GT(used[0] + used[1], 2.9);
}

TEST_F(Others, AThreadBoundToEachCpuHasItsPartOfAll) {
  delegate_all();
  std::vector<pid_t> bound;
  bound.reserve(4);
  for (std::size_t cid = 0; cid < 4; ++cid)
    bound.push_back(a_.spin(cpu_of(cid)));
  b_.spin_many(4);
  run_for(2s);
  for (const auto used : cpus_of_each(bound, 4s))
    EXPECT_NEAR(used, 0.5, 0.1);
  const auto used = cpus({&a_, &b_}, 2s);
  EXPECT_NEAR(used[0] / used[1], 1.0, 0.1);
}

// taskset at run time.
TEST_F(Others, WhoIsBoundToAnothersCpuHasItsPartThere) {
  delegate_all();
  const auto mine = a_.spin_many(1);
  b_.spin_many(6);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu_of(3)), &set);
  run_for(1s);
  ASSERT_EQ(sched_setaffinity(mine[0], sizeof(set), &set), 0);
  run_for(1s);
  // It is all of a cgroup that is due two CPUs, so it may have one; half of it is the owner's at
  // most.
  EXPECT_GT(cpus_of_each(mine, 3s)[0], 0.45);
}

// A task of nobody's, bound to a CPU that is a delegation's.
TEST_F(Others, SoDoesATaskThatIsNotDelegated) {
  delegate_all();
  b_.spin_many(6);
  TestCgroup other("fief-test-o");
  const auto bound = other.spin(cpu_of(3));
  run_for(2s);
  EXPECT_GT(cpus_of_each({bound}, 3s)[0], 0.45);
}

}  // namespace
}  // namespace fief::test
