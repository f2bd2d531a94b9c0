// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/runtimes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/cgroup_path.hpp"
#include "status/view_facts.hpp"

namespace fief::cli {
const SchedulerView* delegation_around(const StatusView& status, std::string_view path) {
  const SchedulerView* found = nullptr;
  for (const auto& view : status.schedulers)
    if (!is_root(view) && view.state == SchedulerState::attached &&
        (path == view.path || is_below(path, view.path)) &&
        (found == nullptr || view.path.size() > found->path.size()))
      found = &view;
  return found;
}

unsigned cpus_to_think_of(const SchedulerView& view) {
  const auto due = std::max(view.entitlement.nominal, view.entitlement.cpus);
  return static_cast<unsigned>(std::max<CpuTime>(1, (due + kCpuUnit - 1) / kCpuUnit));
}

std::vector<std::pair<std::string, std::string>> runtime_variables(unsigned cpus,
                                                                   std::string_view java_options) {
  const auto count = std::to_string(cpus);
  return {{"OMP_NUM_THREADS", count},
          {"GOMAXPROCS", count},
          {"RAYON_NUM_THREADS", count},
          {"JAVA_TOOL_OPTIONS", fmt::format("{}{}-XX:ActiveProcessorCount={}", java_options,
                                            java_options.empty() ? "" : " ", cpus)}};
}

}  // namespace fief::cli
