// SPDX-License-Identifier: GPL-2.0-only
// The last policy that was good, kept for a start that finds a faulty one: as the texts of its
// files, under their names.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "policy/parse.hpp"

namespace fief {

class KeptPolicy {
 public:
  /// @p directory such as /run/fief, which lives as long as what is pinned; made when needed.
  explicit KeptPolicy(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] std::string path() const;
  /// Errc::not_found: none was kept; Errc::denied: others than root may write it; Errc::invalid: it
  /// is damaged.
  [[nodiscard]] Result<std::vector<PolicyText>> read() const;
  /// Replaces it: after a crash there is the old one or the new one, never a part.
  [[nodiscard]] Status write(std::span<const PolicyText> files) const;

 private:
  std::string directory_;
};

}  // namespace fief
