// SPDX-License-Identifier: GPL-2.0-only
// The daemon's state as text for people. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "cli/text/style.hpp"
#include "status/views.hpp"

namespace fief::cli {

/// The daemon in a few lines, then a line for each scheduler and what ails it.
std::string render_status(const StatusView& status, const Style& style);

/// The schedulers as a tree, with what each is due, holds and has used.
std::string render_tree(const StatusView& status, const Style& style);

/// The same tree for what is only planned: entitlements and the CPUs that would be held.
std::string render_plan(const StatusView& planned, const Style& style);

/// CPU time: "850ms", "12.345s", "3min 4.5s", "2h 5min".
std::string render_duration(std::uint64_t usec);

}  // namespace fief::cli
