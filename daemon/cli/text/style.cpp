// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/style.hpp"

#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdlib>

namespace fief::cli {
namespace {

constexpr std::size_t kDefaultWidth = 100;
constexpr std::size_t kMinWidth = 60;

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80;
}

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return kDefaultWidth;
  return std::max<std::size_t>(size.ws_col, kMinWidth);
}

// The first @p count code points.
std::string_view head(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size() && (is_continuation(text[end]) || count-- > 0))
    ++end;
  return text.substr(0, end);
}

}  // namespace

Style detect_style() {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool wanted = no_colour == nullptr || *no_colour == '\0';
  std::setlocale(LC_CTYPE, "");
  return {.colour = wanted && isatty(STDOUT_FILENO) != 0,
          .utf8 = std::string_view(nl_langinfo(CODESET)) == "UTF-8",
          .width = terminal_width()};
}

std::string painted(std::string_view text, Paint paint, const Style& style) {
  static constexpr std::array<std::string_view, 6> kCodes{"", "1", "2", "32", "33", "1;31"};
  if (!style.colour || paint == Paint::plain || text.empty())
    return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(paint)), text);
}

std::size_t columns(std::string_view text) {
  const auto count =
      std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); });
  return static_cast<std::size_t>(count);
}

std::string elided(std::string_view text, std::size_t limit, const Style& style) {
  const auto width = columns(text);
  if (width <= limit)
    return std::string(text);
  const std::string_view gap = style.utf8 ? "…" : "...";
  const auto kept = limit - std::min(limit, columns(gap));
  const auto front = kept / 2;
  const auto skipped = head(text, width - (kept - front));
  return fmt::format("{}{}{}", head(text, front), gap, text.substr(skipped.size()));
}

}  // namespace fief::cli
