// SPDX-License-Identifier: GPL-2.0-only
// Containers that come and go for a long time: each gets its scheduler, none leaves anything
// behind.
#include "control_world.hpp"
#include "support/resources.hpp"

namespace fief::test {
namespace {

constexpr int kCycles = 2'000;
// What the model kernel itself remembers of how each scheduler ended, and a little more.
constexpr std::size_t kBytesEach = 400;

class Scale : public World {
 protected:
  void cycle(int number) {
    const auto path = fmt::format("/pods.slice/cri-{}.scope", number);
    make(path);
    wait_until("it is attached", [&] { return owned(path) > 0; });
    set_weight(path, 300);
    settle();
    remove(path);
    wait_until("it is gone", [this] { return kernel_.observe()->schedulers.size() == 1; });
    forget_what_happened();
  }

  /// What so many bring about is dealt with when its turn comes, not at once.
  void wait_until_alone() {
    wait_until("only the root is known",
               [this] { return controller_->status(Figures::read).schedulers.size() == 1; });
    forget_what_happened();
  }

 private:
  void forget_what_happened() {
    settle();
    records_.clear();
    listener_.signals.clear();
  }
};

TEST_F(Scale, ComingAndGoingLeavesNothingBehind) {
  make("/pods.slice");
  set_policy(R"({"delegations": [{"cgroup_glob": "/pods.slice/cri-*.scope"}]})");
  start();
  for (int i = 0; i < 100; ++i)
    cycle(i);
  wait_until_alone();
  const auto descriptors = open_descriptors();
  const auto bytes = allocated_bytes();
  for (int i = 0; i < kCycles; ++i)
    cycle(i);
  wait_until_alone();
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_LE(allocated_bytes(), bytes + kCycles * kBytesEach);
  EXPECT_EQ(controller_->status(Figures::read).schedulers.size(), 1U);
}

}  // namespace
}  // namespace fief::test
