// SPDX-License-Identifier: GPL-2.0-only
// The arithmetic that the BPF schedulers divide time and keep limits with, over random trees and
// histories. The same trees' results on the real kernel: tests/bpf/weights_test.cpp.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s64 = std::int64_t;
// C casts as C does.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include "lib/core/arithmetic.h"
#pragma GCC diagnostic pop

namespace fief {
namespace {

/// A group on the kernel's scale of weights: child groups, or tasks by their weights.
struct Group {
  u64 weight = 0;
  std::vector<u64> tasks;
  std::vector<Group> below;

  [[nodiscard]] u64 load() const {
    u64 sum = 0;
    for (const u64 task : tasks)
      sum += task;
    for (const Group& group : below)
      sum += group.weight;
    return sum;
  }
};

constexpr u64 kMinWeight = 3;      // cpu.idle
constexpr u64 kMaxWeight = 88761;  // nice -20

u64 any_weight() {
  return *rc::gen::inRange(kMinWeight, kMaxWeight + 1);
}

/// Every group has something that wants to run.
Group any_group(int depth) {
  Group group;
  group.weight = any_weight();
  const int members = *rc::gen::inRange(1, 5);
  const bool inner = depth > 0 && *rc::gen::arbitrary<bool>();
  for (int i = 0; i < members; ++i) {
    if (inner)
      group.below.push_back(any_group(depth - 1));
    else
      group.tasks.push_back(any_weight());
  }
  return group;
}

/// Calls @p visit(cost, share) for every task: its cost as BPF has it, and its exact share.
template <typename Visit>
void visit_tasks(const Group& group, std::vector<const Group*> path, double share,
                 const Visit& visit) {
  path.push_back(&group);
  const u64 load = group.load();
  for (const u64 task : group.tasks) {
    u64 cost = cost_up(COST_ONE, load, task);
    for (std::size_t i = path.size() - 1; i > 0; --i)
      cost = cost_up(cost, path[i - 1]->load(), path[i]->weight);
    visit(cost, share * static_cast<double>(task) / static_cast<double>(load));
  }
  for (const Group& below : group.below)
    visit_tasks(below, path, share * static_cast<double>(below.weight) / static_cast<double>(load),
                visit);
}

RC_GTEST_PROP(Cost, IsTheInverseOfTheShare, ()) {
  const Group top = any_group(4);
  visit_tasks(top, {}, 1.0, [](u64 cost, double share) {
    const double exact = static_cast<double>(COST_ONE) / share;
    if (exact >= static_cast<double>(COST_MAX)) {
      RC_ASSERT(static_cast<double>(cost) >= 0.99 * static_cast<double>(COST_MAX));
      return;
    }
    // Each level may lose what a division cuts off: one part in 4096. What is exact is so to the
    // digits of a double: far less than the one by which costs differ.
    RC_ASSERT(static_cast<double>(cost) <= exact * (1 + 1e-12));
    RC_ASSERT(static_cast<double>(cost) >= exact * 0.998);
  });
}

// Whoever is served in the order of virtual time gets its share: over any time in which all advance
// equally, CPU time adds up to no more than there was, and to nearly all of it.
RC_GTEST_PROP(Cost, SharesAddUpToOne, ()) {
  const Group top = any_group(3);
  double sum = 0;
  bool tiny = false;
  visit_tasks(top, {}, 1.0, [&](u64 cost, double) {
    sum += static_cast<double>(COST_ONE) / static_cast<double>(cost);
    tiny |= cost == COST_MAX;
  });
  if (!tiny)
    RC_ASSERT(sum >= 0.999 && sum <= 1.003);
}

RC_GTEST_PROP(Cost, OfTimeNeverOverflows, ()) {
  const u64 cost = *rc::gen::inRange<u64>(COST_ONE, COST_MAX + 1);
  const u64 runtime = *rc::gen::arbitrary<u64>();
  RC_ASSERT(cost_of(cost, runtime) >= std::min<u64>(runtime, CHARGE_MAX_NS));
  RC_ASSERT(cost_of(COST_ONE, runtime) == std::min<u64>(runtime, CHARGE_MAX_NS));
}

/// A limited group whose tasks run whenever there is a budget, each time for up to a tick on each
/// CPU.
RC_GTEST_PROP(Budget, IsNeverExceededInTheLongRun, ()) {
  const auto quota = *rc::gen::inRange<u64>(1'000'000, 400'000'000);
  const auto burst = *rc::gen::inRange<u64>(0, quota + 1);
  const auto tick = *rc::gen::inRange<u64>(1'000'000, 10'000'000);
  const int periods = *rc::gen::inRange(1, 200);
  s64 left = static_cast<s64>(quota);
  u64 used = 0;
  for (int period = 0; period < periods; ++period) {
    const int looks = *rc::gen::inRange(0, 60);
    for (int look = 0; look < looks && left > 0; ++look) {
      left -= static_cast<s64>(tick);
      used += tick;
    }
    const u64 ended = *rc::gen::inRange<u64>(1, 4);
    left += budget_gain(left, quota, burst, ended);
    RC_ASSERT(left <= static_cast<s64>(quota + burst));
    period += static_cast<int>(ended) - 1;
  }
  RC_ASSERT(used <= quota * static_cast<u64>(periods + 4) + tick);
}

// A group that always wants more gets its quota, to within one tick.
RC_GTEST_PROP(Budget, IsAllHadByWhoWantsIt, ()) {
  const auto quota = *rc::gen::inRange<u64>(1'000'000, 400'000'000);
  const auto tick = *rc::gen::inRange<u64>(1'000'000, 10'000'000);
  constexpr u64 kPeriods = 100;
  s64 left = static_cast<s64>(quota);
  u64 used = 0;
  for (u64 period = 0; period < kPeriods; ++period) {
    while (left > 0) {
      left -= static_cast<s64>(tick);
      used += tick;
    }
    left += budget_gain(left, quota, 0, 1);
  }
  RC_ASSERT(used >= quota * kPeriods);
  RC_ASSERT(used < quota * kPeriods + tick);
}

// After a long sleep a debt is paid and no more than the burst is kept.
RC_GTEST_PROP(Budget, ForgetsAfterALongSleep, ()) {
  const auto quota = *rc::gen::inRange<u64>(1'000'000, 400'000'000);
  const auto burst = *rc::gen::inRange<u64>(0, quota + 1);
  const auto left = *rc::gen::inRange<s64>(-static_cast<s64>(quota), static_cast<s64>(quota));
  const auto periods = *rc::gen::inRange<u64>(4, 1ULL << 40);
  RC_ASSERT(left + budget_gain(left, quota, burst, periods) == static_cast<s64>(quota + burst));
}

}  // namespace
}  // namespace fief
