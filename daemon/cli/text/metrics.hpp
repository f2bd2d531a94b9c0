// SPDX-License-Identifier: GPL-2.0-only
// The daemon's state as metrics. Pure.
#pragma once

#include <string>

#include "status/views.hpp"

namespace fief::cli {

enum class MetricsFormat {
  openmetrics,  ///< OpenMetrics 1.0 (RFC draft draft-richih-opsawg-openmetrics)
  prometheus,   ///< Prometheus's text format 0.0.4, which node_exporter's textfile collector reads
};

/// One family of metrics after the other, labelled with cgroup path, cgroup id and scheduler.
/// Times are in seconds, CPUs in CPUs.
std::string render_metrics(const StatusView& status, MetricsFormat format);

}  // namespace fief::cli
