// SPDX-License-Identifier: GPL-2.0-only
// What a request is about, and whether that is as the policy wants it. Pure.
#pragma once

#include <optional>
#include <string>

#include "cgroup/tree.hpp"
#include "control/schedulers/children.hpp"
#include "core/result.hpp"
#include "policy/policy.hpp"

namespace fief {

struct Subject {
  std::string name;    ///< in the policy
  std::string cgroup;  ///< empty: a pattern, with all it stands for
};

/// @p text as find_delegation() understands it in @p resolved, or the name of a pattern in
/// @p written.
std::optional<Subject> find_subject(const Policy& written, const Policy& resolved,
                                    const std::string& text);

/// Why nothing in the policy is called @p text, and what to type instead.
tl::unexpected<Error> nothing_called(const std::string& text, const Policy& resolved,
                                     const CgroupTree& cgroups);

/// The path of the cgroup that @p text means: a path, or the unit of that name where there is one.
std::string path_meant(const std::string& text, const CgroupTree& cgroups);

bool is_about(const Subject& subject, const Delegation& delegation);

/// Whether what @p subject means of @p policy runs, or waits for nothing but its cgroup; nullptr:
/// everything. Errc::kernel, with why.
Status in_force(const Subject* subject, const Policy& policy, const CgroupTree& cgroups,
                const Children& children);

}  // namespace fief
