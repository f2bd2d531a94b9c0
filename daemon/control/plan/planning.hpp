// SPDX-License-Identifier: GPL-2.0-only
// Plans that may be applied: made, proved, and there even when the policy asks too much. Pure.
#pragma once

#include <string>
#include <string_view>

#include "plan/cpusets.hpp"
#include "plan/plan.hpp"

namespace fief {

/// make_plan() and check_plan(); a plan that fails its check is an error. Where none can be made
/// that keeps what the previous one gave, one is made from scratch: to move CPUs is better than to
/// break promises.
Result<Plan> make_checked_plan(const PlanInput& input);

/// Takes from @p delegation what the cpuset of its cgroup makes impossible: a placement where that
/// has no CPU, a minimum above the CPUs it has. False if there is no such thing.
bool yield_to_cpuset(Delegation& delegation, const Cpusets& cpusets, const CgroupTree& cgroups,
                     const Topology& topology);

/// As make_checked_plan(); where the policy asks for what cpusets do not let a cgroup have, it
/// yields to them: it goes by what the cpuset has instead.
Result<Plan> make_yielding_plan(const PlanInput& input);

struct Decision {
  Plan plan;
  /// Why not all that the policy asks for is in the plan; empty: it is.
  std::string shortfall;
  std::string_view instead;  ///< what counts then, for people
};

/// The next plan. Schedulers that are attached must get CPUs whatever happens. When the policy's
/// demands cannot all be met, it yields to cpusets first; where that is not enough (a CPU went
/// away, say), the plan follows the weights alone, in the end without regard to cpusets.
Result<Decision> decide(const PlanInput& input);

}  // namespace fief
