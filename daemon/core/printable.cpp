// SPDX-License-Identifier: GPL-2.0-only
#include "core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/utf8.hpp"

namespace fief {
namespace {

// The code point of a valid sequence of two or three bytes; others are of no interest here.
unsigned code_point(std::string_view sequence) {
  const auto low = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]) & 0x3fU; };
  const auto lead = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 2)
    return (lead & 0x1fU) << 6U | low(1);
  if (sequence.size() == 3)
    return (lead & 0x0fU) << 12U | low(1) << 6U | low(2);
  return lead;
}

// Separators of lines and paragraphs, and what turns the direction of the text after it.
bool is_layout(unsigned code) {
  return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

bool is_harmless(std::string_view sequence) {
  const auto code = code_point(sequence);
  return code >= 0x20 && code != 0x7f && (code < 0x80 || code > 0x9f) && !is_layout(code);
}

void escape(std::string_view bytes, std::string& out) {
  for (const char byte : bytes)
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
}

std::string printable(std::string_view text, bool keep_newlines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto size = utf8_sequence(text);
    const auto sequence = text.substr(0, std::max<std::size_t>(size, 1));
    if ((size != 0 && is_harmless(sequence)) || (keep_newlines && sequence == "\n"))
      out += sequence;
    else
      escape(sequence, out);
    text.remove_prefix(sequence.size());
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  return printable(text, false);
}

std::string printable_lines(std::string_view text) {
  return printable(text, true);
}

std::string shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit)
    return std::string(text);
  const auto is_continuation = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80;
  };
  auto kept = limit;
  while (kept > 0 && limit - kept < 4 && is_continuation(kept))
    --kept;
  return fmt::format("{}... ({} bytes)", text.substr(0, kept), text.size());
}

}  // namespace fief
