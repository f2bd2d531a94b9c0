// SPDX-License-Identifier: GPL-2.0-only
// The directory of drop-ins that fief itself may write to. The effects of persistent changes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"

namespace fief {

class DropIns {
 public:
  /// @p directory such as /etc/fief/policy.d; made when something is first written to it.
  explicit DropIns(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] std::string path(std::string_view name) const;
  /// The text of drop-in @p name, "" if there is none. Errc::denied: others than root may write it.
  [[nodiscard]] Result<std::string> read(std::string_view name) const;
  /// Replaces drop-in @p name, however long the disk takes: after a crash there is the old text or
  /// the new one, on disk, never a part. An empty text removes it.
  [[nodiscard]] Status write(std::string_view name, std::string_view text) const;

 private:
  std::string directory_;
};

}  // namespace fief
