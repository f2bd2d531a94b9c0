// SPDX-License-Identifier: GPL-2.0-only
// Colours that people tell apart, with all common kinds of colour blindness too. Pure.
#pragma once

#include <cstdint>

namespace fief::cli {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  /// Whether black text reads better on it than white.
  [[nodiscard]] bool is_light() const;
  /// The nearest of a terminal's 6 x 6 x 6 colours, 16..231.
  [[nodiscard]] int terminal() const;
};

/// The eight of Okabe and Ito (Color Universal Design, 2008), grey first; then these lighter, and
/// darker; then all again: letters tell apart whom colours do not.
Colour colour_of(std::uint32_t index);

}  // namespace fief::cli
