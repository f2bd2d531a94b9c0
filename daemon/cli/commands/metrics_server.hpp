// SPDX-License-Identifier: GPL-2.0-only
// The metrics over HTTP, for Prometheus and others that scrape. A process of its own: the daemon's
// loop has nothing to do with strangers' connections.
#pragma once

#include <functional>

#include "core/fd.hpp"
#include "core/result.hpp"
#include "status/views.hpp"

namespace fief::cli {

/// Answers GET and HEAD of /metrics, in OpenMetrics for those who accept it, else in Prometheus's
/// text format, with what @p fetch says, asked at most once a second; 503 with the reason where it
/// fails. Returns when SIGINT or SIGTERM comes. @p listening listens.
Status serve_metrics(UniqueFd listening, std::function<Result<StatusView>()> fetch);

}  // namespace fief::cli
