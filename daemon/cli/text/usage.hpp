// SPDX-License-Identifier: GPL-2.0-only
// Who used how much CPU between two looks at the daemon. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/text/style.hpp"
#include "status/views.hpp"

namespace fief::cli {

/// All in CPUs, averaged over the interval.
struct Usage {
  std::string path;
  std::string scheduler;
  std::string state;
  double due = 0;
  double used = 0;
  double borrowed = 0;              ///< used of what others left idle
  double lent = 0;                  ///< used by others of what it is due and left idle
  std::optional<double> limit;      ///< the least cpu.max of its cgroup and those above
  std::optional<double> throttled;  ///< part of the limit's periods in which it had used it up
  TimeHistogram waits;              ///< of the tasks that woke in the interval
};

struct UsageReport {
  double seconds = 0;  ///< the interval's length
  std::uint32_t cpus = 0;
  std::vector<Usage> schedulers;  ///< in the status's order
};

/// @p seconds > 0 lie between the two. A scheduler that was not there @p before has used nothing.
UsageReport compare_usage(const StatusView& before, const StatusView& after, double seconds);

/// The report as a table, schedulers that used most first.
std::string render_usage(const UsageReport& report, const Style& style);
/// The same as JSON, one line or indented.
std::string to_json(const UsageReport& report, int indent = -1);

}  // namespace fief::cli
