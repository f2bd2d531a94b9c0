// SPDX-License-Identifier: GPL-2.0-only
// Children that are not fief's, and such as break the rules: they get what they are granted, and
// nobody else feels them.
#include <gmock/gmock.h>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

class Strangers : public RealKernel {
 protected:
  void SetUp() override { use_test_objects(); }
};

TEST_F(Strangers, AForeignChildRunsWhereItIsGrantedAndGoes) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  attach(a, "fifo");
  attach(b);
  ASSERT_TRUE(sysfs_attached(a.id()));
  EXPECT_FALSE(sysfs_caps(a.id(), "enq_immed").empty());
  apply(level_of(kernel_->topology(), {{a.id(), {0, 1}}, {b.id(), {2}}}));
  EXPECT_EQ(sysfs_caps(a.id(), "enq").to_string(), "0-1");
  for (int i = 0; i < 4; ++i) {
    a.spin();
    b.spin();
  }
  run_for(1s);
  const auto used = used_during({&a, &b}, [this] { run_for(4s); });
  EXPECT_NEAR(used[0] / used[1], 2.0, 0.1);
  const auto observed = kernel_->observe();
  ASSERT_TRUE(observed);
  const auto* found = observed->find(a.id());
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "test_fifo");
  ASSERT_TRUE(kernel_->detach(a.id()));
  wait_until("its end", [&a] { return !sysfs_attached(a.id()); });
  EXPECT_EQ(sysfs_state(), "enabled");
  EXPECT_TRUE(sysfs_attached(b.id()));
}

// Its slices never end.
TEST_F(Strangers, OneThatNeverLetsGoIsMadeTo) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  ASSERT_TRUE(try_attach(a, "fifo", {{"fault", std::int64_t{5}}}));
  attach(b);
  auto level = level_of(kernel_->topology(), {{a.id(), {}}, {b.id(), {}}});
  divide_first_cid(level, {kCpuUnit / 2, kCpuUnit / 2});
  apply(level);
  a.spin();
  run_for(500ms);
  b.spin();
  run_for(1s);
  const auto used = used_during({&a, &b}, [this] { run_for(4s); });
  EXPECT_NEAR(used[1] / (used[0] + used[1]), 0.5, 0.05);
}

// Neither the owner nor who borrows sees to it.
TEST_F(Strangers, ALentCidComesBackToAnOwnerThatDoesNotAsk) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  attach(a, "fifo");
  ASSERT_TRUE(try_attach(b, "fifo", {{"fault", std::int64_t{5}}}));
  auto level = level_of(kernel_->topology(), {{a.id(), {0}}, {b.id(), {1}}});
  level.participants[1].lend = Lend::cpus;
  apply(level);
  b.spin_many(2);
  run_for(1s);
  const auto lent = used_during({&b}, [this] { run_for(2s); });
  EXPECT_GT(lent[0], 1.8 * 2);
  const auto owner = a.spin();
  EXPECT_LT(longest_gap({owner}, 3s), 300ms);
  const auto used = used_during({&a, &b}, [this] { run_for(3s); });
  EXPECT_NEAR(used[0] / used[1], 1.0, 0.1);
}

// The kernel refuses what it may not do, and counts; nobody else feels it.
TEST_F(Strangers, WhatIsRefusedIsCounted) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  ASSERT_TRUE(try_attach(a, "fifo", {{"fault", std::int64_t{6}}}));
  attach(b);
  apply(level_of(kernel_->topology(), {{a.id(), {0}}, {b.id(), {1}}}));
  a.spin_many(3);
  b.spin();
  run_for(500ms);
  const auto used = used_during({&b}, [this] { run_for(3s); });
  EXPECT_GT(used[0], 2.8);
  EXPECT_GT(kernel_->counters(a.id())->denied, 0U);
  EXPECT_EQ(kernel_->counters(b.id())->denied, 0U);
  EXPECT_EQ(kernel_->counters(kSelf)->denied, 0U);
}

struct Fault {
  const char* name;
  std::int64_t code;
};

class FaultyChild : public Strangers, public ::testing::WithParamInterface<Fault> {};

INSTANTIATE_TEST_SUITE_P(Fifo, FaultyChild,
                         ::testing::Values(Fault{"Init", 1}, Fault{"Error", 2}, Fault{"Stall", 3},
                                           Fault{"Unheld", 4}),
                         [](const auto& fault) { return std::string(fault.param.name); });

TEST_P(FaultyChild, TakesNobodyDown) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  attach(b);
  const auto outcome = try_attach(a, "fifo", {{"fault", GetParam().code}});
  if (outcome) {
    apply(level_of(kernel_->topology(), {{a.id(), {0}}, {b.id(), {1}}}));
    a.spin();
    wait_until("its end", [&a] { return !sysfs_attached(a.id()); });
    apply(level_of(kernel_->topology(), {{b.id(), {1}}}));
  } else {
    a.spin();
  }
  EXPECT_FALSE(sysfs_attached(a.id()));
  b.spin();
  const auto used = used_during({&a, &b}, [this] { run_for(3s); });
  EXPECT_GT(used[0], 2.5);
  EXPECT_GT(used[1], 2.5);
  EXPECT_EQ(sysfs_state(), "enabled");
  EXPECT_TRUE(sysfs_attached(b.id()));
}

}  // namespace
}  // namespace fief::test
