// SPDX-License-Identifier: GPL-2.0-only
// A cgroup that a pattern could stand for, where none is there to plan with. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "policy/policy.hpp"

namespace fief {

/// The path of member number @p number, from 1, of @p pattern: one that it matches if such a path
/// is easily found, else one that is named after it. Different numbers give different paths.
std::string example_member(const DelegationPattern& pattern, std::size_t number);

}  // namespace fief
