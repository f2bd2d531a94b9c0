// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/style.hpp"

#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <clocale>
#include <cstdlib>

namespace fief::cli {
namespace {

constexpr std::size_t kDefaultWidth = 100;
constexpr std::size_t kMinWidth = 60;
constexpr std::size_t kIdDigits = 64;
constexpr std::size_t kShownDigits = 12;

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80;
}

// What a person says goes before what the terminal does; 0: neither says anything.
std::size_t known_width() {
  const char* said = std::getenv("COLUMNS");
  const std::string_view text = said == nullptr ? "" : said;
  std::size_t width = 0;
  std::from_chars(text.data(), text.data() + text.size(), width);
  winsize size{};
  if (width == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
    width = size.ws_col;
  return width;
}

std::string_view gap_of(const Style& style) {
  return style.utf8 ? "…" : "...";
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// Where the last id of a container begins, shortened as it is; npos: there is none.
std::size_t last_short_id(std::string_view text) {
  auto found = std::string_view::npos;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto begin = at;
    while (at < text.size() && is_hex_digit(text[at]))
      ++at;
    if (at - begin == kShownDigits)
      found = begin;
  }
  return found;
}

// What tells a name from others: the last part of a path with its "/", and what is above it up to
// the container that it lies in, as containers have cgroups of the same names inside; all of what
// is no path.
std::string_view end_of(std::string_view text) {
  auto slash = text.rfind('/');
  if (const auto id = last_short_id(text); id < slash)
    slash = text.rfind('/', id);
  return slash == std::string_view::npos ? text : text.substr(slash);
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
  const auto width = known_width();
  return {.colour = wanted && isatty(STDOUT_FILENO) != 0,
          .utf8 = std::string_view(nl_langinfo(CODESET)) == "UTF-8",
          .width = width == 0 ? kDefaultWidth : std::max(width, kMinWidth),
          .whole = width == 0};
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

std::size_t columns_of_end(std::string_view text, const Style& style) {
  const auto end = end_of(text);
  return columns(end) + (end.size() == text.size() ? 0 : columns(gap_of(style)));
}

std::string with_short_ids(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const auto other = std::ranges::find_if_not(text, is_hex_digit);
    auto digits = static_cast<std::size_t>(other - text.begin());
    shown += text.substr(0, digits == kIdDigits ? kShownDigits : digits);
    if (digits < text.size())
      shown += text[digits++];
    text.remove_prefix(digits);
  }
  return shown;
}

std::string elided(std::string_view text, std::size_t limit, const Style& style) {
  const auto width = columns(text);
  if (width <= limit)
    return std::string(text);
  const auto gap = gap_of(style);
  const auto kept = limit - std::min(limit, columns(gap));
  const auto end = end_of(text);
  const bool keeps_end = end.size() < text.size() && columns(end) <= kept;
  const auto front = keeps_end ? kept - columns(end) : kept / 2;
  const auto skipped = head(text, width - (kept - front));
  return fmt::format("{}{}{}", head(text, front), gap, text.substr(skipped.size()));
}

}  // namespace fief::cli
