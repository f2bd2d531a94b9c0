// SPDX-License-Identifier: GPL-2.0-only
// Places in JSON texts: documents are written at random, with every kind of white space, comment
// and string between and inside the values, and each value must be found where it was written.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "policy/json_document.hpp"

namespace fief {
namespace {

constexpr int kMaxDepth = 4;

template <class T>
T pick(std::initializer_list<T> choices) {
  return *rc::gen::elementOf(std::vector<T>(choices));
}

/// Writes a document and remembers where its keys and values begin.
class Writer {
 public:
  void write_document() {
    write_filler();
    write_value(0);
    write_filler();
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<std::size_t>& starts() const { return starts_; }

 private:
  void write_filler() {
    for (auto pieces = *rc::gen::inRange(0, 4); pieces > 0; --pieces)
      text_ += pick<std::string_view>({" ", "\t", "\n", "\r\n", "// {\"a\": 1}, \n", "//\n", "/**/",
                                       "/***/", "/* ]\n\"ä\" // */", "//\r"});
  }

  void write_string() {
    text_ += '"';
    for (auto pieces = *rc::gen::inRange(0, 4); pieces > 0; --pieces)
      text_ += pick<std::string_view>({"a", "\\\"", "\\\\", "//", "/*", "*/", "{", "]", ",", ":",
                                       " ", "ä", "€", "\U0001F600", "\\u00e4", "\\n"});
    text_ += '"';
  }

  void write_value(int depth) {
    starts_.push_back(text_.size());
    switch (*rc::gen::inRange(0, depth < kMaxDepth ? 4 : 2)) {
      case 0:
        text_ += pick<std::string_view>({"true", "false", "null", "0", "-0", "17", "-1.5", "2e3",
                                         "1E-2", "12345678901234567890"});
        break;
      case 1:
        write_string();
        break;
      case 2:
        write_list('[', ']', [this, depth] { write_value(depth + 1); });
        break;
      default:
        write_list('{', '}', [this, depth] {
          starts_.push_back(text_.size());
          write_string();
          write_filler();
          text_ += ':';
          write_filler();
          write_value(depth + 1);
        });
    }
  }

  template <class WriteItem>
  void write_list(char open, char close, WriteItem write_item) {
    text_ += open;
    write_filler();
    const auto items = *rc::gen::inRange(0, 4);
    for (int i = 0; i < items; ++i) {
      if (i > 0)
        text_ += ',';
      write_filler();
      write_item();
      write_filler();
    }
    text_ += close;
  }

  std::string text_;
  std::vector<std::size_t> starts_;
};

TextPosition position_of(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = before.substr(before.rfind('\n') + 1);
  const auto characters = std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  return {static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1),
          static_cast<std::uint32_t>(characters + 1)};
}

void collect(const JsonNode& node, std::vector<TextPosition>& places) {
  places.push_back(node.at);
  if (const auto* elements = std::get_if<JsonArray>(&node.value))
    for (const auto& element : *elements)
      collect(element, places);
  if (const auto* members = std::get_if<JsonObject>(&node.value))
    for (const auto& member : *members) {
      places.push_back(member.at);
      collect(member.value, places);
    }
}

RC_GTEST_PROP(ParseJson, FindsEverythingWhereItWasWritten, ()) {
  Writer writer;
  writer.write_document();
  const auto document = parse_json(writer.text());
  if (!document)
    RC_FAIL(document.error().message + " in " + writer.text());

  std::vector<TextPosition> expected;
  for (const auto start : writer.starts())
    expected.push_back(position_of(writer.text(), start));
  std::vector<TextPosition> found;
  collect(*document, found);
  RC_ASSERT(found == expected);
}

RC_GTEST_PROP(ParseJson, PlacesFaultsInsideATruncatedText, ()) {
  Writer writer;
  writer.write_document();
  const auto length = *rc::gen::inRange<std::size_t>(0, writer.text().size() + 1);
  const auto text = std::string_view(writer.text()).substr(0, length);
  const auto document = parse_json(text);
  if (!document)
    RC_ASSERT(document.error().at <= position_of(text, text.size()));
}

}  // namespace
}  // namespace fief
