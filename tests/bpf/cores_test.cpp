// SPDX-License-Identifier: GPL-2.0-only
// Cores of two threads, in two caches: who wakes finds an idle core before an idle thread, and who
// lends whole cores has nobody beside it. In a guest of its own, of 2 caches with 2 cores of 2
// threads each.
#include <gmock/gmock.h>
#include <sched.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

class Cores : public RealKernel {
 protected:
  /// a has the first core, and lends it as @p lend says; everybody else has a busy process for each
  /// thread.
  void one_core_of(Lend lend) {
    load_root();
    attach(a_);
    auto level = lending(level_of(kernel_->topology(), {{a_.id(), {0, 1}}}));
    level.participants[1].lend = lend;
    level.participants[1].borrow = false;
    apply(level);
    others_.spin_many(16);
  }

  /// CPUs that a and the others use.
  std::vector<double> used() {
    run_for(1s);
    return cpus({&a_, &others_}, 4s);
  }

  [[nodiscard]] std::int32_t core_of_cpu(std::uint32_t cpu) const {
    for (const auto& cid : kernel_->topology().cids)
      if (cid.cpu == cpu)
        return static_cast<std::int32_t>(cid.core);
    return -1;
  }

  /// The cores that @p pids run on or have run on last.
  [[nodiscard]] std::set<std::int32_t> cores_of(const std::vector<pid_t>& pids) const {
    constexpr int kProcessor = 36;  // words between the command's name and it, see proc_pid_stat(5)
    std::set<std::int32_t> cores;
    for (const auto pid : pids) {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      const std::string text((std::istreambuf_iterator<char>(stat)), {});
      std::istringstream words(text.substr(text.rfind(')') + 1));
      std::string word;
      for (int i = 0; i < kProcessor; ++i)
        words >> word;
      std::uint32_t cpu = 0;
      words >> cpu;
      cores.insert(core_of_cpu(cpu));
    }
    return cores;
  }

  TestCgroup a_{"fief-test-a"};
  TestCgroup others_{"fief-test-o"};
};

TEST_F(Cores, TheGuestHasFourInTwoCaches) {
  load_root();
  std::set<std::uint32_t> cores;
  std::set<std::uint32_t> caches;
  for (const auto& cid : kernel_->topology().cids) {
    cores.insert(cid.core);
    caches.insert(cid.llc);
  }
  EXPECT_EQ(cores.size(), 4);
  EXPECT_EQ(caches.size(), 2);
}

TEST_F(Cores, ThreadsAreLentOneByOne) {
  one_core_of(Lend::cpus);
  a_.spin();
  const auto cpus = used();
  EXPECT_NEAR(cpus[1] / cpus[0], 7.0, 0.4);
}

TEST_F(Cores, NobodyRunsBesideWhoLendsWholeCores) {
  one_core_of(Lend::cores);
  const auto asleep = used();
  a_.spin();
  const auto awake = used();
  EXPECT_NEAR(awake[1] / awake[0], 6.0, 0.3);
  EXPECT_NEAR(asleep[1] / awake[0], 8.0, 0.5);
}

// A plan that lends threads again is followed while the owner runs without end.
TEST_F(Cores, WhatWasKeptIsLentAgain) {
  one_core_of(Lend::cores);
  a_.spin();
  const auto kept = used();
  EXPECT_NEAR(kept[1] / kept[0], 6.0, 0.4);
  auto level = lending(level_of(kernel_->topology(), {{a_.id(), {0, 1}}}));
  level.participants[1].borrow = false;
  apply(level);
  run_for(1s);
  const auto cpus = used();
  EXPECT_NEAR(cpus[1] / cpus[0], 7.0, 0.4);
}

// Both threads are the owner's, and both come back to the others when it is gone.
TEST_F(Cores, BothThreadsAreItsOwn) {
  one_core_of(Lend::cores);
  a_.spin_many(2);
  const auto awake = used();
  EXPECT_NEAR(awake[1] / awake[0], 3.0, 0.2);
  a_.write("cgroup.kill", "1");
  const auto gone = used();
  EXPECT_NEAR(gone[1] / awake[0], 4.0, 0.3);
}

// One that sleeps in between: the others have its core while it does, and are off it again when it
// wakes.
TEST_F(Cores, ACoreIsLentWhileItsOwnerSleeps) {
  one_core_of(Lend::cores);
  a_.run("while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.2; done");
  const auto cpus = used();
  const auto idle = 8 - cpus[0] - cpus[1];
  EXPECT_GT(cpus[0], 0.05);
  // the other thread lies idle for as long as the owner runs, and hardly longer
  EXPECT_LT(idle, 1.5 * cpus[0] + 0.2);
}

// Two cores are crowded and two idle, in the other cache; nobody wakes, who could be placed anew.
TEST_F(Cores, WhoComputesWithoutEndMovesToAnIdleCore) {
  load_root();
  constexpr std::size_t kTasks = 4;
  std::vector<pid_t> pids;
  pids.reserve(kTasks);
  for (std::size_t cid = 0; cid < kTasks; ++cid)
    pids.push_back(others_.spin(static_cast<int>(kernel_->topology().cids.at(cid).cpu)));
  wait_until("two share each core", [&] { return cores_of(pids).size() == 2; });
  run_for(500ms);
  cpu_set_t everywhere;
  CPU_ZERO(&everywhere);
  for (const auto& cid : kernel_->topology().cids)
    CPU_SET(cid.cpu, &everywhere);
  for (const auto pid : pids)
    ASSERT_EQ(::sched_setaffinity(pid, sizeof(everywhere), &everywhere), 0);
  wait_until("each has a core", [&] { return cores_of(pids).size() == kTasks; });
}

}  // namespace
}  // namespace fief::test
