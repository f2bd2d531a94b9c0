// SPDX-License-Identifier: GPL-2.0-only
// A fixture for tests on the real kernel: fief's kernel port on a loop of its own, cgroups of the
// test's own, CPU-bound processes in them, and the kernel's own word from /sys to compare with.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/cid_set.hpp"
#include "kernel/port.hpp"

namespace fief::test {

/// A cgroup that exists for as long as this object; whatever runs in it is killed at the end. One
/// below another is named "above/name".
class TestCgroup {
 public:
  /// Those below have the cpu controller, and tasks are in those below only; or neither.
  enum class Below : std::uint8_t { nothing, cpu };
  explicit TestCgroup(const std::string& name, Below below = Below::nothing);
  TestCgroup(const TestCgroup&) = delete;
  TestCgroup& operator=(const TestCgroup&) = delete;
  ~TestCgroup();

  [[nodiscard]] CgroupId id() const { return id_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// CPU time used in it so far, in seconds (cpu.stat).
  [[nodiscard]] double usage() const;
  /// Starts a process in it that spins; @p cpu pins it to that CPU number.
  pid_t spin(int cpu = -1, int nice_value = 0);
  /// Starts a shell in it that runs @p command.
  pid_t run(const std::string& command);
  /// Starts a task of real-time priority on a CPU that computes for @p busy seconds and sleeps for
  /// @p idle seconds, again and again.
  pid_t run_above_all(std::uint32_t cpu, double busy, double idle);
  std::vector<pid_t> spin_many(int tasks, int nice_value = 0);
  void write(const std::string& file, const std::string& text) const;
  void remove();

 private:
  pid_t start_shell(std::string command);

  std::string directory_;
  std::string path_;
  CgroupId id_;
  std::vector<pid_t> started_;
};

class RealKernel : public ::testing::Test {
 public:
  ~RealKernel() override;

 protected:
  RealKernel();
  void make_kernel();

  /// From now on the objects of tests/bpf/objects can be attached too. Before load_root().
  void use_test_objects();
  void load_root(const Options& options = {});
  /// The daemon dies, and another one comes up in its place.
  Adoption restart();
  void attach(const TestCgroup& cgroup, const std::string& scheduler = "fair");
  Status try_attach(const TestCgroup& cgroup, const std::string& scheduler,
                    const Options& options = {});
  /// Puts @p level in force: observes, computes the operations, applies.
  void apply(const LevelPlan& level);
  /// Runs the loop until @p condition holds; fails the test after @p limit.
  void wait_until(const std::string& what, const std::function<bool()>& condition,
                  std::chrono::milliseconds limit = std::chrono::seconds(20));
  void run_for(std::chrono::milliseconds time);
  /// The longest time, of @p time, in which one of @p pids used no CPU; seen every 100 ms. Times in
  /// which the whole guest stood still do not count.
  std::chrono::milliseconds longest_gap(const std::vector<pid_t>& pids,
                                        std::chrono::milliseconds time);
  /// CPUs that each of @p cgroups uses in @p time from now on.
  std::vector<double> cpus(const std::vector<const TestCgroup*>& cgroups,
                           std::chrono::milliseconds time);
  [[nodiscard]] bool saw(const std::function<bool(const Event&)>& predicate) const;

  std::string object_dir_;
  boost::asio::io_context loop_;
  std::unique_ptr<KernelPort> kernel_;
  std::vector<Event> events_;
  std::uint64_t plan_number_ = 0;
};

/// CPU seconds each cgroup uses while @p wait runs.
std::vector<double> used_during(const std::vector<const TestCgroup*>& cgroups,
                                const std::function<void()>& wait);

/// CPU time a process has used so far, in seconds.
double cpu_seconds(pid_t pid);

/// The cids in one line of a scheduler's caps file; @p cgroup kSelf is the root's.
CidSet sysfs_caps(CgroupId cgroup, const std::string& cap);
bool sysfs_attached(CgroupId cgroup);
std::string sysfs_state();

/// A level of the root's where each cgroup owns the cids given and the root the others. Nobody
/// lends.
LevelPlan level_of(const Topology& topology,
                   const std::vector<std::pair<CgroupId, CidSet>>& owners);
/// The same of what another scheduler holds.
LevelPlan level_below(CgroupId scheduler, const CidSet& held,
                      const std::vector<std::pair<CgroupId, CidSet>>& owners);
/// Everybody's CPUs are lent while they lie idle.
LevelPlan lending(LevelPlan level);
/// Takes cid 0 from the scheduler of @p level and divides it among its children, in their order.
void divide_first_cid(LevelPlan& level, const std::vector<CpuTime>& parts);

}  // namespace fief::test
