// SPDX-License-Identifier: GPL-2.0-only
// Plans that may be applied: made, proved, and there even when the policy asks too much. Pure.
#pragma once

#include <string>

#include "plan/plan.hpp"

namespace fief {

/// make_plan() and check_plan(); a plan that fails its check is an error.
Result<Plan> make_checked_plan(const PlanInput& input);

struct Decision {
  Plan plan;
  /// Why the policy's limits and placements were set aside; empty: they were not.
  std::string shortfall;
};

/// The next plan. Schedulers that are attached must get CPUs whatever happens: when the policy's
/// demands cannot all be met (a CPU went away, say), the plan follows the weights alone.
Result<Decision> decide(const PlanInput& input);

}  // namespace fief
