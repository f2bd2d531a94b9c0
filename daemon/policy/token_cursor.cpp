// SPDX-License-Identifier: GPL-2.0-only
#include "policy/token_cursor.hpp"

#include <algorithm>

namespace fief {
namespace {

constexpr std::string_view kSeparators = " \t\r\n,:";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The end of the comment at @p from; @p from itself if there is none, or no end to it.
std::size_t skip_comment(std::string_view text, std::size_t from) {
  const auto rest = text.substr(from);
  if (rest.starts_with("//"))
    return std::min(text.find_first_of("\r\n", from), text.size());
  if (!rest.starts_with("/*"))
    return from;
  const auto end = text.find("*/", from + 2);
  return end == std::string_view::npos ? from : end + 2;
}

/// The start of the first token at or after @p from, or the end of the text.
std::size_t skip_separators(std::string_view text, std::size_t from) {
  while (true) {
    const auto next = std::min(text.find_first_not_of(kSeparators, from), text.size());
    from = skip_comment(text, next);
    if (from == next)
      return from;
  }
}

std::size_t string_end(std::string_view text, std::size_t from) {
  for (auto at = from + 1; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at + 1;
  }
  return text.size();
}

std::size_t token_end(std::string_view text, std::size_t from) {
  if (from >= text.size())
    return text.size();
  if (text[from] == '"')
    return string_end(text, from);
  if (std::string_view("{}[]").find(text[from]) != std::string_view::npos)
    return from + 1;
  return std::min(text.find_first_of(" \t\r\n,:{}[]\"/", from + 1), text.size());
}

bool starts_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

void advance(TextPosition& position, std::string_view over) {
  for (const char byte : over) {
    if (byte == '\n')
      position = {position.line + 1, 1};
    else if (starts_character(byte))
      ++position.column;
  }
}

}  // namespace

TextPosition position_at(std::string_view text, std::size_t offset) {
  TextPosition position;
  advance(position, text.substr(0, offset));
  return position;
}

TokenCursor::TokenCursor(std::string_view text) : text_(text) {
  if (text.starts_with(kByteOrderMark))
    offset_ = kByteOrderMark.size();
}

TokenCursor::Token TokenCursor::next() {
  const auto start = skip_separators(text_, offset_);
  const auto end = token_end(text_, start);
  advance_to(start);
  const Token token{position_, text_.substr(start, end - start)};
  advance_to(end);
  return token;
}

TextPosition TokenCursor::fault_position(std::size_t bytes_read) {
  // The byte that surprised the parser was the last it read.
  const auto last = bytes_read == 0 ? 0 : bytes_read - 1;
  advance_to(std::min(skip_separators(text_, offset_), std::max(last, offset_)));
  return position_;
}

void TokenCursor::advance_to(std::size_t offset) {
  advance(position_, text_.substr(offset_, offset - offset_));
  offset_ = offset;
}

}  // namespace fief
