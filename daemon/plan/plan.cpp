// SPDX-License-Identifier: GPL-2.0-only
// The planner: who may use which CPU.
//
// Units. CPU time is counted in 1/65536 of a CPU (kCpuUnit), so a plan is exact and its sums can
// be compared with ==. Dues are work: what a CPU of full capacity does in this time. Where all CPUs
// have full capacity the two are the same number; elsewhere shares are rounded to units of time.
// Real numbers occur in one place only, the division by weight (divide.cpp), and leave it as units
// whose sum is the total.
//
// Terms. A *level* is one scheduler with its *members*: itself, for the tasks it keeps, and each
// child scheduler directly below it. Its *holding* is the cids it may hand out, with the time it
// has of each: one CPU, or its share where it shares a cid with its own siblings. A member is
// *due* an amount of time; it *owns* whole cids and *shares* others.
//
// Problem. For each level, from the root downwards: give every member exactly what it is due, in
// whole cids as far as they go; move as few cids as possible against the plan in force; keep each
// member on few cores, LLCs and nodes; let fractions of different members meet on as few cids as
// possible, each member's on at most two.
//
// Method, in the order of make_plan():
//   1. Demands (due/demand.cpp). A child's share is the product, over the cgroups from below its
//      parent scheduler down to itself, of weight over the sum of the weights of competing
//      siblings. The parent keeps the rest.
//   2. Entitlements (due/entitlement.cpp, due/divide.cpp). Shares are cut to limits by
//   water-filling and
//      rounded by the largest remainder. Delegations marked exclusive are rounded to whole CPUs
//      (whole cores, unless they may split cores) and the others divide the difference.
//   3. If everybody is due what the plan in force gives, and may still have it there, it stays.
//   Where CPUs are of several capacities, steps 4 to 6 are done for each kind by itself, with the
//   time that everybody is due there (due/cells.hpp, due/cut_by_kind.cpp).
//   4. Whole CPUs (due/whole_cpus.cpp). Each due is cut in whole CPUs and a rest.
//   5. Owners (placement/owners.cpp). Members keep what they can of their own, which is the optimum
//   of the
//      minimum-cost flow; then growers take what they had before, whole free cores by locality,
//      then single threads. What a level remembers of its past (placement/memory.cpp) breaks the
//      ties.
//   6. Shares (placement/packing.cpp). What nobody owns is filled with the rests, end to end: n
//   rests that
//      sum to k CPUs take k cids and each lies on at most two.
// Steps 4 to 6 cost O((cids + members) log) with flat arrays.
//
// SMT. Threads of one core have one owner, or are shared; never two owners, unless both allow it
// (`smt: split`; the parent's own tasks always do). So the odd CPU of a member lies beside a
// shared cid, and where there are too few shared cids some odd CPUs are shared too. If nothing is
// shared at all, the owners of a divided core share both threads by halves. Cores of more than two
// threads take this last way always; there a member may have more than two shared cids.
//
// Where rules collide, the order is: exactness, policy (confinement, exclusive, cores), the limits
// of the kernel side (sharers of a cid), whole CPUs first, at most two shared cids, locality.
//
// Determinism. All ties break on cgroup ids and cids; equal input gives equal plans.
#include "plan/plan.hpp"

#include <algorithm>

#include "plan/due/demand.hpp"
#include "plan/due/entitlement.hpp"
#include "plan/placement/landing.hpp"
#include "plan/placement/memory.hpp"
#include "plan/placement/place.hpp"

namespace fief {
namespace {

Result<LevelPlan> plan_level(Level& level, const Past& past, const PlanInput& input) {
  if (auto status = settle_entitlements(level, input); !status)
    return tl::unexpected(status.error());
  auto plan = outline_plan(level);
  if (!keep_previous(plan, level, past.level, input))
    if (auto status = place_level(plan, level, past, input); !status)
      return tl::unexpected(status.error());
  choose_landing(plan, level, past.level);
  return plan;
}

Past past_of(CgroupId scheduler, const Plan* previous) {
  if (previous == nullptr)
    return {};
  return {previous->find_level(scheduler), previous->find_memory(scheduler)};
}

}  // namespace

Result<Plan> make_plan(const PlanInput& input) {
  auto levels = collect_demands(input);
  if (!levels)
    return tl::unexpected(levels.error());
  Plan plan;
  plan.number = input.previous == nullptr ? 1 : input.previous->number + 1;
  for (auto& level : *levels) {
    level.holding = holding_of(level, plan.levels, input.topology);
    if (level.holding.cids.empty())
      return fail(Errc::infeasible, "{} has no CPU to hand out", level.path);
    const auto past = past_of(level.scheduler, input.previous);
    auto planned = plan_level(level, past, input);
    if (!planned)
      return tl::unexpected(planned.error());
    plan.memory.push_back(next_memory(*planned, past.level, past.memory, input));
    plan.levels.push_back(std::move(*planned));
  }
  return plan;
}

const ParticipantPlan* LevelPlan::find(CgroupId cgroup) const {
  const auto at = std::ranges::lower_bound(participants, cgroup, {}, &ParticipantPlan::cgroup);
  return at != participants.end() && at->cgroup == cgroup ? &*at : nullptr;
}

CidSet lent_cids(const LevelPlan& level) {
  auto lent = level.held;
  for (const auto& participant : level.participants) {
    lent -= participant.landing;
    if (participant.lend != Lend::nothing)
      continue;
    lent -= participant.exclusive;
    for (const auto& share : participant.shared)
      lent.erase(share.cid);
  }
  return lent | level.borrowed;
}

const LevelPlan* Plan::find_level(CgroupId scheduler) const {
  const auto at = std::ranges::find(levels, scheduler, &LevelPlan::scheduler);
  return at != levels.end() ? &*at : nullptr;
}

const LevelMemory* Plan::find_memory(CgroupId scheduler) const {
  const auto at = std::ranges::find(memory, scheduler, &LevelMemory::scheduler);
  return at != memory.end() ? &*at : nullptr;
}

bool same_decisions(const Plan& a, const Plan& b) {
  return a.levels == b.levels;
}

std::string format_cpus(CpuTime time) {
  if (time != 0 && time * 20000 < kCpuUnit)
    return "<0.0001";
  auto text = fmt::format("{:.4f}", static_cast<double>(time) / static_cast<double>(kCpuUnit));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.')
    text.pop_back();
  return text;
}

}  // namespace fief
