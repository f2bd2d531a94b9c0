// SPDX-License-Identifier: GPL-2.0-only
// Text that others wrote, where only UTF-8 may stand: names of cgroups are bytes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fief {

/// U+FFFD, which stands for what is no character.
inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// The bytes of the UTF-8 sequence at the front of @p text, which is not empty; 0 if there is none
/// that is valid (RFC 3629) and a character that XML 1.0 and D-Bus take.
std::size_t utf8_sequence(std::string_view text);
/// @p text with U+FFFD for every byte that is part of no such sequence.
std::string to_utf8(std::string_view text);

}  // namespace fief
