// SPDX-License-Identifier: GPL-2.0-only
// How text for people is drawn, and how the terminal at hand wants it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fief::cli {

struct Style {
  bool colour = false;
  bool utf8 = false;        ///< box drawing and marks; plain ASCII otherwise
  std::size_t width = 100;  ///< columns
};

/// Colour if standard output is a terminal and NO_COLOR is unset or empty; UTF-8 if the locale's
/// character set is; the terminal's width, 100 where there is none.
Style detect_style();

enum class Paint { plain, bold, dim, good, warn, bad };

/// @p text in its paint, or as it is where the style has no colour.
std::string painted(std::string_view text, Paint paint, const Style& style);

/// Columns that UTF-8 @p text takes, one for each code point.
std::size_t columns(std::string_view text);
/// @p text cut in its middle to at most @p limit columns, with an ellipsis in the gap.
std::string elided(std::string_view text, std::size_t limit, const Style& style);

}  // namespace fief::cli
