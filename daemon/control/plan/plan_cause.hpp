// SPDX-License-Identifier: GPL-2.0-only
// Why a plan is not as the one before it, told from the two plans. Pure.
#pragma once

#include <string>

#include "plan/plan.hpp"

namespace fief {

struct PlanCause {
  std::string text;    ///< "/a has joined; the weight of /b is 300 and was 100"; empty: unknown
  std::string cgroup;  ///< path of the one cgroup that it is about; empty: of several, or of none
};

/// What differs between @p before and @p now in who takes part, in weights and in limits. A @p
/// before without levels is no plan.
PlanCause cause_of(const Plan& before, const Plan& now);

}  // namespace fief
