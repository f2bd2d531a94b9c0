// SPDX-License-Identifier: GPL-2.0-only
// turn_bench [FILE]: how much CPU time the daemon takes for a changed weight on a large machine,
// from the kernel's word until the plan with it is observed in force. The controller, planner,
// policy and watcher are the real ones; the kernel is the model, whose work is in the figure.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <vector>

#include "unit/control_world.hpp"

namespace fief::test {
namespace {

constexpr char kTopology[] = "8x4x8x2";  // 512 CPUs
// A scheduler has no more than 255 children: there are four slices of 249, besides the slices.
constexpr int kSlices = 4;
constexpr int kChildren = 1'000 - kSlices;
constexpr int kCgroups = 10'000;  // those of the children and others
constexpr int kChanges = 101;
constexpr std::chrono::minutes kPatience{5};

double cpu_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

class LargeMachine : public World {
 public:
  LargeMachine() : World(kTopology) {}

  void fill() {
    for (int slice = 0; slice < kSlices; ++slice)
      make(fmt::format("/pods{}.slice", slice));
    make("/other.slice");
    for (int i = 0; i < kCgroups; ++i)
      make(path_of(i));
    set_policy(
        R"({"delegations": [{"cgroup_glob": "/pods*.slice"}, {"cgroup_glob": "/pods*.slice/*"}]})");
    start(kPatience);
    EXPECT_EQ(kernel_.observe()->schedulers.size(), 1U + kSlices + kChildren);
  }

  /// CPU time of one change, in milliseconds.
  double change(int number) {
    const auto path = path_of(number % kChildren);
    const auto changes = listener_.changes;
    const auto before = cpu_ms();
    set_weight(path, 2 + static_cast<std::uint32_t>(number));
    wait_until("the plan", [&] { return listener_.changes > changes; }, kPatience);
    const auto used = cpu_ms() - before;
    settle();
    EXPECT_EQ(view(path).weight, 2U + static_cast<std::uint32_t>(number));
    EXPECT_TRUE(controller_->status(Figures::leave_out).as_planned);
    return used;
  }

  [[nodiscard]] std::vector<double> changes() {
    std::vector<double> each;
    for (int number = 0; number < kChanges && !HasFailure(); ++number)
      each.push_back(change(number));
    return each;
  }

 private:
  void TestBody() override {}
  static std::string path_of(int number) {
    return number < kChildren ? fmt::format("/pods{}.slice/{}.scope", number % kSlices, number)
                              : fmt::format("/other.slice/{}.scope", number);
  }
};

int measure(const char* file) {
  LargeMachine machine;
  machine.fill();
  auto each = machine.changes();
  if (::testing::UnitTest::GetInstance()->Failed())
    return 1;
  std::ranges::sort(each);
  const auto text =
      fmt::format(R"({{"ms": {:.3f}, "worst ms": {:.3f}}})", each[each.size() / 2], each.back());
  fmt::print("a turn: {}\n", text);
  if (file != nullptr)
    std::ofstream(file) << text;
  return 0;
}

}  // namespace
}  // namespace fief::test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  return fief::test::measure(argc > 1 ? argv[1] : nullptr);
}
