// SPDX-License-Identifier: GPL-2.0-only
// Who wakes, is due more than it has had and has no CPU of its own does not wait for the end of
// others' turns, which are long here; and it gets no more than it is due for it.
#include <gmock/gmock.h>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kSleeper = "while :; do sleep 0.02; done";

class Calls : public RealKernel {
 protected:
  static constexpr int kTurnMs = 100;
  /// Others' turns end when they end; a tenth of one is far more than taking a CPU takes here.
  static constexpr double kSoonUs = kTurnMs * 1000 / 10.0;

  void load_root_with_long_turns() { load_root({{"turn_us", kTurnMs * 1000}}); }

  /// Three of four that woke in @p scheduler in the next seconds waited no longer, microseconds.
  /// The shell wakes as often as what it waits for, on a CPU that this has just left.
  double usual_wait_us(CgroupId scheduler) {
    const auto before = kernel_->counters(scheduler)->wake_waits;
    run_for(4s);
    const auto waits = since(before, kernel_->counters(scheduler)->wake_waits);
    EXPECT_GT(count_of(waits), 20U);
    return percentile_us(waits, 0.75);
  }
};

// The plan knows nothing of the sleeper, all CPUs are the other's.
TEST_F(Calls, AChildThatOwnsNothingTakesALentCpu) {
  TestCgroup sleeper("fief-test-a");
  TestCgroup busy("fief-test-b");
  load_root_with_long_turns();
  attach(sleeper);
  attach(busy, "batch");
  apply(lending(level_of(kernel_->topology(), {{busy.id(), {0, 1, 2, 3}}, {sleeper.id(), {}}})));
  busy.spin_many(8);
  run_for(1s);
  sleeper.run(kSleeper);
  EXPECT_LT(usual_wait_us(sleeper.id()), kSoonUs);
}

TEST_F(Calls, SoDoesATaskThatIsNotDelegated) {
  TestCgroup sleeper("fief-test-o");
  TestCgroup busy("fief-test-b");
  load_root_with_long_turns();
  attach(busy, "batch");
  apply(lending(level_of(kernel_->topology(), {{busy.id(), {0, 1, 2, 3}}})));
  busy.spin_many(8);
  run_for(1s);
  sleeper.run(kSleeper);
  EXPECT_LT(usual_wait_us(kSelf), kSoonUs);
}

// What its parent has not, the parent's parent is asked for.
TEST_F(Calls, SoDoesAChildBelowOneThatOwnsNothing) {
  const TestCgroup above("fief-test-a", TestCgroup::Below::cpu);
  TestCgroup sleeper("fief-test-a/x");
  TestCgroup busy("fief-test-b");
  load_root_with_long_turns();
  attach(above);
  attach(sleeper);
  attach(busy, "batch");
  apply(lending(level_of(kernel_->topology(), {{busy.id(), {0, 1, 2, 3}}, {above.id(), {}}})));
  auto below = lending(level_below(above.id(), {}, {{sleeper.id(), {}}}));
  below.borrowed = {0, 1, 2, 3};
  apply(below);
  busy.spin_many(8);
  run_for(1s);
  sleeper.run(kSleeper);
  EXPECT_LT(usual_wait_us(sleeper.id()), kSoonUs);
}

// Tasks that sleep for moments, and call whenever they wake, beside some that only compute.
TEST_F(Calls, WhoCallsWithoutEndHasNoMoreThanItIsDue) {
  TestCgroup caller("fief-test-a");
  TestCgroup busy("fief-test-b");
  busy.write("cpu.weight", "300");
  load_root();
  attach(caller);
  attach(busy);
  apply(lending(level_of(kernel_->topology(), {{busy.id(), {0, 1, 2, 3}}, {caller.id(), {}}})));
  busy.spin_many(8);
  for (int i = 0; i < 8; ++i)
    caller.run("while :; do (:); done");
  run_for(2s);
  const auto used = cpus({&caller, &busy}, 5s);
  EXPECT_NEAR(used[0] / (used[0] + used[1]), 0.25, 0.03);
}

}  // namespace
}  // namespace fief::test
