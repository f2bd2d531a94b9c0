// SPDX-License-Identifier: GPL-2.0-only
// What a turn of the daemon costs on a large machine: a weight is written, and the plan follows.
// CPU time of the whole process, which is the daemon over the model kernel: 512 CPUs, 10,000
// cgroups, and schedulers on 1,000 of them, at two levels.
#include <algorithm>
#include <ctime>
#include <fstream>

#include "unit/control_world.hpp"

namespace fief::test {
namespace {

constexpr int kParents = 4;
constexpr int kChildrenEach = 249;
constexpr int kOthersEach = 2250;
constexpr int kTurns = 41;
constexpr double kAimMs = 5;

double cpu_ms() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

std::string parent(int number) {
  return fmt::format("/parent-{}.slice", number);
}

std::string child(int above, int number) {
  return fmt::format("{}/child-{}.service", parent(above), number);
}

class TurnCost : public World {
 protected:
  TurnCost() : World("4x8x8x2") {}

  void make_all() {
    for (int above = 0; above < kParents; ++above) {
      make(parent(above));
      for (int number = 0; number < kChildrenEach; ++number)
        make(child(above, number));
      for (int number = 0; number < kOthersEach; ++number)
        make(fmt::format("{}/other-{}", parent(above), number));
    }
    set_policy(R"({"delegations": [{"cgroup_glob": "/parent-*.slice"},
                                   {"cgroup_glob": "/parent-*.slice/child-*.service"}]})");
  }

  /// Milliseconds of CPU time from a write to a weight until all that follows from it is done.
  double turn_after_a_weight(int number) {
    set_weight(child(number % kParents, number), static_cast<std::uint32_t>(200 + number));
    const double before = cpu_ms();
    settle();
    return cpu_ms() - before;
  }
};

TEST_F(TurnCost, OfOneWeight) {
  make_all();
  start(std::chrono::minutes{20});
  wait_until(
      "all are attached",
      [this] { return kernel_.observe()->schedulers.size() == 1 + kParents * (1 + kChildrenEach); },
      std::chrono::minutes{20});
  settle();
  std::vector<double> took;
  took.reserve(kTurns);
  for (int number = 0; number < kTurns; ++number)
    took.push_back(turn_after_a_weight(number));
  std::ranges::sort(took);
  const double median = took[kTurns / 2];
  fmt::print("a turn after one weight: {:.2f} ms, at most {:.2f}\n", median, took.back());
  std::ofstream("measured") << fmt::format(R"({{"turn/one_weight": {{"ms": {:.3f}}}}})", median);
  // Ten times the aim is another algorithm, on whatever machine.
  EXPECT_LT(median, 10 * kAimMs);
}

}  // namespace
}  // namespace fief::test
