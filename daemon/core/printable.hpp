// SPDX-License-Identifier: GPL-2.0-only
// Text that others wrote, as a terminal or a log may show it: names of cgroups and what clients ask
// for are any bytes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fief {

/// @p text on one line: control characters, those that turn the direction of what follows, and
/// bytes that are no UTF-8 are written as "\x1b"; all else stays as it is.
std::string printable(std::string_view text);
/// The same, but for newlines, which stay.
std::string printable_lines(std::string_view text);
/// At most @p limit bytes of @p text, and if that is not all, how long it is: "abc... (61440
/// bytes)".
std::string shortened(std::string_view text, std::size_t limit);

}  // namespace fief
