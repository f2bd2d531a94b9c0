// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/palette.hpp"

#include <array>

namespace fief::cli {
namespace {

constexpr std::array<Colour, 8> kBase{{{0x99, 0x99, 0x99},
                                       {0xe6, 0x9f, 0x00},
                                       {0x56, 0xb4, 0xe9},
                                       {0x00, 0x9e, 0x73},
                                       {0xf0, 0xe4, 0x42},
                                       {0x00, 0x72, 0xb2},
                                       {0xd5, 0x5e, 0x00},
                                       {0xcc, 0x79, 0xa7}}};

std::uint8_t mixed(std::uint8_t with, std::uint8_t base) {
  return static_cast<std::uint8_t>((with + base) / 2);
}

Colour mixed(std::uint8_t with, const Colour& base) {
  return {mixed(with, base.red), mixed(with, base.green), mixed(with, base.blue)};
}

int step(std::uint8_t value) {
  return (value * 5 + 127) / 255;
}

}  // namespace

bool Colour::is_light() const {
  // Luma of ITU-R BT.601, in thousandths of 255.
  return 299 * red + 587 * green + 114 * blue > 125 * 1000;
}

int Colour::terminal() const {
  return 16 + 36 * step(red) + 6 * step(green) + step(blue);
}

Colour colour_of(std::uint32_t index) {
  const auto& base = kBase.at(index % kBase.size());
  switch (index / kBase.size() % 3) {
    case 1:
      return mixed(0xff, base);
    case 2:
      return mixed(0x00, base);
    default:
      return base;
  }
}

}  // namespace fief::cli
