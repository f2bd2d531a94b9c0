// SPDX-License-Identifier: GPL-2.0-only
// Schedulers below schedulers on the real kernel: a child divides what it was handed by the rules
// its parent goes by, and what is taken from it is taken from those below.
#include <gmock/gmock.h>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

/// a below the root, x and y below a.
class Nesting : public RealKernel {
 protected:
  void attach_all() {
    load_root();
    attach(a_);
    attach(x_);
    attach(y_);
  }

  void hand_to_a(const CidSet& cids) { apply(level_of(kernel_->topology(), {{a_.id(), cids}})); }

  [[nodiscard]] LevelPlan below_a(const CidSet& held,
                                  const std::vector<std::pair<CgroupId, CidSet>>& owners) const {
    return level_below(a_.id(), held, owners);
  }

  std::array<double, 3> used_for(std::chrono::milliseconds time) {
    const auto now = [this] { return std::array{a_.usage(), x_.usage(), y_.usage()}; };
    auto used = now();
    run_for(time);
    const auto after = now();
    for (std::size_t i = 0; i < used.size(); ++i)
      used.at(i) = after.at(i) - used.at(i);
    used[0] -= used[1] + used[2];  // usage counts what is below
    return used;
  }

  TestCgroup a_{"fief-test-a"};
  TestCgroup x_{"fief-test-a/x"};
  TestCgroup y_{"fief-test-a/y"};
};

TEST_F(Nesting, AChildHandsOnWhatItHolds) {
  attach_all();
  hand_to_a({0, 1, 2});
  apply(below_a({0, 1, 2}, {{x_.id(), {1}}, {y_.id(), {2}}}));
  EXPECT_EQ(sysfs_caps(a_.id(), "enq").to_string(), "0-2");
  EXPECT_EQ(sysfs_caps(x_.id(), "enq").to_string(), "1");
  EXPECT_EQ(sysfs_caps(y_.id(), "enq").to_string(), "2");
  const auto observed = kernel_->observe();
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->find(x_.id())->parent, a_.id());
  EXPECT_EQ(observed->find(x_.id())->held.enq(), (CidSet{1}));
}

TEST_F(Nesting, EverybodyRunsOnWhatIsTheirs) {
  attach_all();
  hand_to_a({0, 1, 2});
  apply(below_a({0, 1, 2}, {{x_.id(), {1}}, {y_.id(), {2}}}));
  for (int i = 0; i < 2; ++i) {
    a_.spin();
    x_.spin();
    y_.spin();
  }
  run_for(2s);
  const auto used = used_for(4s);
  EXPECT_NEAR(used[1] / used[0], 1.0, 0.05);
  EXPECT_NEAR(used[2] / used[0], 1.0, 0.05);
}

TEST_F(Nesting, ARevokeReachesTheBottom) {
  attach_all();
  hand_to_a({0, 1, 2});
  apply(below_a({0, 1, 2}, {{x_.id(), {1}}, {y_.id(), {2}}}));
  hand_to_a({0, 2});
  EXPECT_TRUE(sysfs_caps(x_.id(), "enq").empty());
  EXPECT_EQ(sysfs_caps(y_.id(), "enq").to_string(), "2");
  apply(below_a({0, 2}, {{x_.id(), {0}}, {y_.id(), {2}}}));
  x_.spin();
  run_for(1s);
  EXPECT_GT(used_for(2s)[1], 0.5);
}

// Half of cid 0 is a's; of that a quarter is x's and the rest is y's.
TEST_F(Nesting, FractionsOfFractionsAreKept) {
  TestCgroup b("fief-test-b");
  attach_all();
  attach(b);
  auto top = level_of(kernel_->topology(), {{a_.id(), {}}, {b.id(), {}}});
  divide_first_cid(top, {kCpuUnit / 2, kCpuUnit / 2});
  apply(top);
  auto below = below_a({0}, {{x_.id(), {}}, {y_.id(), {}}});
  divide_first_cid(below, {kCpuUnit / 8, kCpuUnit * 3 / 8});
  apply(below);
  for (int i = 0; i < 2; ++i) {
    b.spin();
    x_.spin();
    y_.spin();
  }
  run_for(2s);
  const auto b_before = b.usage();
  const auto used = used_for(8s);
  const auto total = used[1] + used[2] + b.usage() - b_before;
  EXPECT_NEAR(used[1] / total, 0.125, 0.015);
  EXPECT_NEAR(used[2] / total, 0.375, 0.025);
}

TEST_F(Nesting, WhatASiblingLeavesIdleIsBorrowedBelowTheChild) {
  attach_all();
  hand_to_a({0, 1});
  auto below = below_a({0, 1}, {{x_.id(), {0}}, {y_.id(), {1}}});
  for (auto& participant : below.participants)
    participant.lend = Lend::cpus;
  apply(below);
  for (int i = 0; i < 3; ++i)
    x_.spin();
  run_for(2s);
  EXPECT_NEAR(used_for(3s)[1] / 3, 2.0, 0.2);
  y_.spin();
  run_for(1s);
  const auto used = used_for(3s);
  EXPECT_NEAR(used[2] / used[1], 1.0, 0.05);
}

// A child that goes gives its cids, and those below it, back to its parent.
TEST_F(Nesting, TheKernelEndsThoseBelowWithTheirParent) {
  attach_all();
  hand_to_a({0, 1});
  apply(below_a({0, 1}, {{x_.id(), {1}}}));
  x_.spin();
  // The kernel runs what is left of x through a, but only on CPUs where a holds a cap: until it has
  // run once, the task still belongs to the CPU it came from.
  wait_until("work in x", [this] { return x_.usage() > 0.1; });
  ASSERT_TRUE(kernel_->kill(x_.id(), "enough of it"));
  wait_until("the end of x", [this] { return !sysfs_attached(x_.id()); });
  EXPECT_TRUE(sysfs_attached(a_.id()));
  ASSERT_TRUE(kernel_->kill(a_.id(), "and of this"));
  wait_until("the end of a", [this] { return !sysfs_attached(a_.id()); });
  EXPECT_FALSE(sysfs_attached(y_.id()));
  EXPECT_EQ(sysfs_state(), "enabled");
}

}  // namespace
}  // namespace fief::test
