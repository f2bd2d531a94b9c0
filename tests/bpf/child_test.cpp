// SPDX-License-Identifier: GPL-2.0-only
// What every child scheduler of the box must do on the real kernel, whatever its order of tasks.
#include <gmock/gmock.h>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

class EveryChild : public RealKernel, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(InTheBox, EveryChild, ::testing::Values("fair", "latency", "batch"),
                         [](const auto& child) { return std::string(child.param); });

// Nice 5 weighs 335 where nice 0 weighs 1024 (sched_prio_to_weight[], kernel/sched/core.c).
TEST_P(EveryChild, DividesACpuByNice) {
  TestCgroup a("fief-test-a");
  load_root();
  attach(a, GetParam());
  apply(level_of(kernel_->topology(), {{a.id(), {0}}}));
  const auto heavy = a.spin();
  const auto light = a.spin(-1, 5);
  run_for(2s);
  const auto heavy_before = cpu_seconds(heavy);
  const auto light_before = cpu_seconds(light);
  run_for(6s);
  const auto ratio = (cpu_seconds(heavy) - heavy_before) / (cpu_seconds(light) - light_before);
  EXPECT_NEAR(ratio, 1024.0 / 335, 0.3);
}

TEST_P(EveryChild, UsesAllItsCpusAndNoOther) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  attach(a, GetParam());
  attach(b, GetParam());
  apply(level_of(kernel_->topology(), {{a.id(), {0, 1}}, {b.id(), {2}}}));
  for (int i = 0; i < 3; ++i) {
    a.spin();
    b.spin();
  }
  run_for(2s);
  const auto a_before = a.usage();
  const auto b_before = b.usage();
  run_for(4s);
  EXPECT_NEAR((a.usage() - a_before) / (b.usage() - b_before), 2.0, 0.1);
}

TEST_P(EveryChild, RefusesASliceOutOfRange) {
  const TestCgroup a("fief-test-a");
  load_root();
  const auto outcome = try_attach(a, GetParam(), {{"slice_us", std::int64_t{1}}});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, ::testing::HasSubstr("slice_us is 1"));
  EXPECT_FALSE(sysfs_attached(a.id()));
  const auto turn = try_attach(a, GetParam(), {{"turn_us", std::int64_t{1}}});
  ASSERT_FALSE(turn);
  EXPECT_THAT(turn.error().message, ::testing::HasSubstr("turn_us is 1"));
}

}  // namespace
}  // namespace fief::test
