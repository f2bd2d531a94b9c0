// SPDX-License-Identifier: GPL-2.0-only
// Schedulers that outlive the daemon, and what the next one finds.
#include <algorithm>
#include <filesystem>

#include "kernel/bpf_kernel.hpp"
#include "kernel/exit_kind.hpp"
#include "real_kernel.hpp"

namespace fief::test {
namespace {

class Survival : public RealKernel {
 protected:
  static std::size_t pins() {
    std::error_code none;
    const std::filesystem::directory_iterator found(BpfKernelConfig{}.pin_dir, none);
    return none ? 0 : static_cast<std::size_t>(std::distance(begin(found), end(found)));
  }
};

TEST_F(Survival, TheNextDaemonGoesOnWithEverything) {
  TestCgroup a("a");
  load_root();
  ASSERT_NO_FATAL_FAILURE(attach(a));
  const auto given = CidSet::parse("0-1").value();
  const auto level = level_of(kernel_->topology(), {{a.id(), given}});
  ASSERT_NO_FATAL_FAILURE(apply(level));
  a.spin();

  const auto found = restart();
  ASSERT_TRUE(found.root);
  EXPECT_TRUE(found.root->current);
  ASSERT_EQ(found.children.size(), 1U);
  EXPECT_EQ(
      found.children[0].request,
      (AttachRequest{.cgroup = a.id(), .path = a.path(), .scheduler = "fair", .options = {}}));
  EXPECT_TRUE(found.children[0].current);
  EXPECT_TRUE(found.discarded.empty());
  ASSERT_NE(found.plan.find_level(kSelf), nullptr);
  EXPECT_EQ(found.plan.find_level(kSelf)->find(a.id())->exclusive, given);
  EXPECT_EQ(sysfs_caps(a.id(), "enq"), given);

  // What it took over answers, runs, reports and goes as what it had loaded itself.
  const auto observed = kernel_->observe();
  ASSERT_TRUE(observed);
  ASSERT_NE(observed->find(a.id()), nullptr);
  EXPECT_FALSE(observed->find(a.id())->foreign);
  const auto more = CidSet::parse("0-2").value();
  ASSERT_NO_FATAL_FAILURE(apply(level_of(kernel_->topology(), {{a.id(), more}})));
  EXPECT_EQ(sysfs_caps(a.id(), "enq"), more);
  const auto before = a.usage();
  wait_until("time for its task", [&] { return a.usage() > before + 0.05; });
  a.write("cpu.weight", "300");
  wait_until("the event", [this] {
    return saw([](const Event& event) { return std::holds_alternative<WeightChanged>(event); });
  });
  ASSERT_TRUE(kernel_->detach(a.id()));
  wait_until("the detach", [&] { return !sysfs_attached(a.id()); });
}

TEST_F(Survival, OneThatEndedMeanwhileSaysHow) {
  const TestCgroup a("a");
  load_root();
  ASSERT_NO_FATAL_FAILURE(attach(a));
  ASSERT_TRUE(kernel_->kill(a.id(), "tired of it"));
  wait_until("the end", [&] { return kernel_->exit_info(a.id())->kind != exit_kind::kNone; });
  const auto found = restart();
  ASSERT_EQ(found.children.size(), 1U);
  const auto exit = kernel_->exit_info(a.id());
  ASSERT_TRUE(exit);
  EXPECT_NE(exit->message.find("tired of it"), std::string::npos) << exit->message;
}

TEST_F(Survival, ARootThatEndedMeanwhileLeavesNothing) {
  const TestCgroup a("a");
  load_root();
  ASSERT_NO_FATAL_FAILURE(attach(a));
  kernel_.reset();
  std::filesystem::remove(BpfKernelConfig{}.pin_dir + "/root/link");
  wait_until("the end", [] { return sysfs_state() == "disabled"; });
  const auto found = restart();
  EXPECT_FALSE(found.root);
  EXPECT_EQ(pins(), 0U);
  load_root();
  EXPECT_EQ(sysfs_state(), "enabled");
}

TEST_F(Survival, ARootIsReplacedWithAllBelowIt) {
  const TestCgroup a("a");
  load_root();
  ASSERT_NO_FATAL_FAILURE(attach(a));
  load_root();
  EXPECT_EQ(sysfs_state(), "enabled");
  EXPECT_FALSE(sysfs_attached(a.id()));
  EXPECT_EQ(pins(), 1U);
  ASSERT_NO_FATAL_FAILURE(attach(a));
}

TEST_F(Survival, WhatAKilledDaemonLeftHalfDoneIsCleared) {
  const TestCgroup a("a");
  load_root();
  ASSERT_NO_FATAL_FAILURE(attach(a));
  // As if killed after its maps were pinned and before its link was: the link closes with it.
  kernel_.reset();
  std::filesystem::remove(BpfKernelConfig{}.pin_dir + "/" + std::to_string(a.id().value) + "/link");
  wait_until("the detach", [&] { return !sysfs_attached(a.id()); });
  const auto found = restart();
  ASSERT_TRUE(found.root);
  EXPECT_TRUE(found.children.empty());
  EXPECT_TRUE(found.discarded.empty());
  EXPECT_EQ(pins(), 1U);
  ASSERT_NO_FATAL_FAILURE(attach(a));
}

TEST_F(Survival, LeavingTakesEverythingAlong) {
  const TestCgroup a("a");
  load_root();
  ASSERT_NO_FATAL_FAILURE(attach(a));
  kernel_.reset();
  EXPECT_EQ(sysfs_state(), "enabled");
  ASSERT_TRUE(end_left_schedulers(BpfKernelConfig{}.pin_dir));
  EXPECT_EQ(sysfs_state(), "disabled");
  EXPECT_EQ(pins(), 0U);
  make_kernel();
}

}  // namespace
}  // namespace fief::test
