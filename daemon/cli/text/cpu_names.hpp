// SPDX-License-Identifier: GPL-2.0-only
// Sets of cids in the numbers that people know: those of CPUs, where the daemon told which is
// which. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "status/views.hpp"

namespace fief::cli {

class CpuNames {
 public:
  /// Refers to @p status.
  explicit CpuNames(const StatusView& status) : cpu_of_cid_(status.cpu_of_cid) {}

  /// What the numbers are: "CPUS", or "CIDS" where they cannot be translated.
  [[nodiscard]] std::string_view heading() const;
  /// "0-3", "0-3, 25% of 4", "none".
  [[nodiscard]] std::string render(const CidSet& exclusive, const SharedCids& shared) const;

 private:
  [[nodiscard]] Cid number(Cid cid) const;

  const std::vector<std::uint32_t>& cpu_of_cid_;
};

}  // namespace fief::cli
