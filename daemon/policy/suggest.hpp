// SPDX-License-Identifier: GPL-2.0-only
// "Did you mean …?"
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fief {

/// The candidate that @p word is most likely a slip for: fewest insertions, deletions,
/// replacements and swaps of neighbours, at most one for each three bytes of @p word begun.
/// The first of several. Nothing if none is that near.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

/// `; did you mean "weight"?`, or "" where nothing else is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace fief
