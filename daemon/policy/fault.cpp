// SPDX-License-Identifier: GPL-2.0-only
#include "policy/fault.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fief {

std::string format_fault(const PolicyFault& fault) {
  const auto place =
      fault.line == 0 ? fault.file : fmt::format("{}:{}:{}", fault.file, fault.line, fault.column);
  if (fault.pointer.empty())
    return fmt::format("{}: {}", place, fault.message);
  return fmt::format("{}: {}: {}", place, fault.pointer, fault.message);
}

std::string format_faults(std::span<const PolicyFault> faults) {
  std::vector<std::string> lines;
  lines.reserve(faults.size());
  for (const auto& fault : faults)
    lines.push_back(format_fault(fault));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace fief
