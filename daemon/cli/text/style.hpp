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
  bool whole = false;       ///< nothing is cut to that width: whoever reads is no terminal
};

/// Colour if standard output is a terminal and NO_COLOR is unset or empty; UTF-8 if the locale's
/// character set is; the width that COLUMNS says, or else the terminal's. Where there is neither,
/// nothing is cut.
Style detect_style();

enum class Paint { plain, bold, dim, good, warn, bad };

/// @p text in its paint, or as it is where the style has no colour.
std::string painted(std::string_view text, Paint paint, const Style& style);

/// Columns that UTF-8 @p text takes, one for each code point.
std::size_t columns(std::string_view text);
/// @p text cut to at most @p limit columns, with an ellipsis in the gap: before its end, as
/// columns_of_end() has it, where that has room, else in its middle.
std::string elided(std::string_view text, std::size_t limit, const Style& style);
/// The columns that elided() needs to keep the end of @p text: what follows its last "/", and if
/// that lies in a container, the container's name too; all of a text without "/".
std::size_t columns_of_end(std::string_view text, const Style& style);
/// @p text with each container id of 64 digits as "docker ps" and "podman ps" show it: its first
/// 12, with which "crictl ps" begins.
std::string with_short_ids(std::string_view text);

}  // namespace fief::cli
