// SPDX-License-Identifier: GPL-2.0-only
// Which cgroups a pattern of the policy means: a glob or a regular expression over whole paths.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"

namespace fief {

/// A compiled pattern, cheap to copy. Copies share scratch memory: one thread only.
class CgroupPattern {
 public:
  enum class Kind {
    glob,   ///< glob(7) by path components; "**" stands for any number of them; no escapes
    regex,  ///< as Perl knows them (pcre2pattern(3)), of the whole path
  };

  /// Errc::invalid: what is wrong, and where in @p text.
  static Result<CgroupPattern> compile(Kind kind, std::string_view text);

  /// Whether the whole of @p path is what the pattern means. A match that takes more than bounded
  /// work is none: cgroups are named by people whom the pattern's author need not trust.
  [[nodiscard]] bool matches(std::string_view path) const;

  [[nodiscard]] Kind kind() const { return kind_; }
  /// As it was compiled.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  struct Code;
  CgroupPattern(Kind kind, std::string text, std::shared_ptr<const Code> code)
      : kind_(kind), text_(std::move(text)), code_(std::move(code)) {}

  Kind kind_;
  std::string text_;
  std::shared_ptr<const Code> code_;
};

}  // namespace fief
