// SPDX-License-Identifier: GPL-2.0-only
// Who owns, shares and may borrow each CPU, as the kernel was observed to have granted it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/text/cpu_map.hpp"
#include "cli/text/style.hpp"
#include "status/views.hpp"

namespace fief::cli {

struct CpuUser {
  std::string path;
  double fraction = 1;  ///< of the CPU's time
  friend bool operator==(const CpuUser&, const CpuUser&) = default;
};

struct CpuRights {
  std::uint32_t cpu = 0;
  std::vector<CpuUser> users;        ///< one: the owner; several: they share it
  std::vector<std::string> borrows;  ///< may use it while the users leave it idle
};

/// Every CPU, ascending. A CPU that is nobody's is the root's.
std::vector<CpuRights> cpu_rights(const StatusView& status);

/// A line for each run of CPUs with the same rights.
std::string render_cpu_rights(const std::vector<CpuRights>& map, const Style& style);
/// With the place of each CPU and its users in @p plan beside those observed.
std::string to_json(const std::vector<CpuRights>& map, const CpuMap& plan, int indent = -1);

}  // namespace fief::cli
