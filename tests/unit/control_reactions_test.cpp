// SPDX-License-Identifier: GPL-2.0-only
// How soon weights count that somebody writes: what is measured from where to where.
#include "control/turn/reactions.hpp"

#include "control_world.hpp"

namespace fief::test {
namespace {

using std::chrono::microseconds;

constexpr Reactions::Time at(int us) {
  return Reactions::Time(microseconds{us});
}

TEST(Reactions, AreMeasuredFromTheKernelsWord) {
  Reactions reactions;
  reactions.heard(at(100), at(103));
  reactions.begun(at(120));
  reactions.heard(at(130), at(131));
  reactions.in_force(at(1100));
  // The second one was heard of after the turn had begun: the plan in force need not have it.
  EXPECT_EQ(count_of(reactions.times().heard), 2U);
  EXPECT_EQ(reactions.times().heard.sum_us, 4U);
  EXPECT_EQ(reactions.times().begun.sum_us, 20U);
  EXPECT_EQ(reactions.times().in_force.sum_us, 1000U);
  reactions.begun(at(1200));
  reactions.in_force(at(1330));
  EXPECT_EQ(count_of(reactions.times().in_force), 2U);
  EXPECT_EQ(reactions.times().in_force.sum_us, 2200U);
  reactions.in_force(at(5000));
  EXPECT_EQ(count_of(reactions.times().in_force), 2U);
}

TEST(Reactions, AreCountedByPowersOfTwo) {
  TimeHistogram times;
  for (const int us : {-5, 0, 1, 2, 3, 1'000'000'000})
    add(times, microseconds{us});
  EXPECT_EQ(times.counts[0], 2U);
  EXPECT_EQ(times.counts[1], 1U);
  EXPECT_EQ(times.counts[2], 2U);
  EXPECT_EQ(times.counts.back(), 1U);
}

class ReactionsOfADaemon : public World {};

TEST_F(ReactionsOfADaemon, EndWhenTheKernelHoldsThePlan) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start();
  EXPECT_EQ(controller_->status(Figures::read).reactions, ReactionTimes{});
  const auto before = owned("/a");
  set_weight("/a", 1000);
  wait_until("more CPUs", [&] { return owned("/a") > before; });
  wait_until("a reaction",
             [&] { return count_of(controller_->status(Figures::read).reactions.in_force) == 1; });
  const auto times = controller_->status(Figures::read).reactions;
  EXPECT_LE(times.heard.sum_us, times.begun.sum_us);
  EXPECT_LE(times.begun.sum_us, times.in_force.sum_us);
  EXPECT_LT(times.in_force.sum_us, 5'000'000U);
}

}  // namespace
}  // namespace fief::test
