// SPDX-License-Identifier: GPL-2.0-only
// How many CPUs a program should think it has: what runtimes size their pools of threads by. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "status/views.hpp"

namespace fief::cli {

/// The delegation that the cgroup @p path is part of, the innermost; nullptr if there is none.
const SchedulerView* delegation_around(const StatusView& status, std::string_view path);

/// Whole CPUs for a program that is part of @p view: what it is due with everybody busy, rounded
/// up. At least 1.
unsigned cpus_to_think_of(const SchedulerView& view);

/// The variables by which OpenMP, Go, Rayon and Java are told of @p cpus. @p java_options: what
/// JAVA_TOOL_OPTIONS has been so far, which stays.
std::vector<std::pair<std::string, std::string>> runtime_variables(unsigned cpus,
                                                                   std::string_view java_options);

}  // namespace fief::cli
