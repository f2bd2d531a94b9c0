// SPDX-License-Identifier: GPL-2.0-only
// What the policy means and that is not there now: the status tells of it beside what runs. Pure.
#pragma once

#include "policy/show.hpp"
#include "status/views.hpp"

namespace fief::cli {

/// Adds a view for each enabled delegation of @p policy whose cgroup is not there, and, behind all
/// others, for each enabled pattern that matches nothing: those have no path, and their name in
/// SchedulerView::pattern.
void add_waiting(StatusView& status, const ShownPolicy& policy);

/// Whether @p view is of something that is not there.
bool is_absent(const SchedulerView& view);
/// Why nothing is attached there: "waits: no such cgroup", "pattern: 0 now".
const char* why_absent(const SchedulerView& view);

}  // namespace fief::cli
