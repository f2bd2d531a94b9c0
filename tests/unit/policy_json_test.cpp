// SPDX-License-Identifier: GPL-2.0-only
#include "policy/json_document.hpp"

#include <gmock/gmock.h>

namespace fief {
namespace {

using testing::HasSubstr;

const JsonMember& member(const JsonNode& object, std::size_t index) {
  return std::get<JsonObject>(object.value).at(index);
}

const JsonNode& element(const JsonNode& array, std::size_t index) {
  return std::get<JsonArray>(array.value).at(index);
}

TEST(ParseJson, KnowsWhereEverythingStands) {
  const auto document = parse_json(
      "// first line\n"
      "{\n"
      "  \"a\" : [1, -2.5e3,\n"
      "\t\ttrue/* here */,null],\"b\"\n"
      "  : {} }\n");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->at, (TextPosition{2, 1}));
  const auto& a = member(*document, 0);
  EXPECT_EQ(a.at, (TextPosition{3, 3}));
  EXPECT_EQ(a.text, "\"a\"");
  EXPECT_EQ(a.value.at, (TextPosition{3, 9}));
  EXPECT_EQ(element(a.value, 0).at, (TextPosition{3, 10}));
  EXPECT_EQ(element(a.value, 1).at, (TextPosition{3, 13}));
  EXPECT_EQ(element(a.value, 1).text, "-2.5e3");
  EXPECT_EQ(element(a.value, 2).at, (TextPosition{4, 3}));
  EXPECT_EQ(element(a.value, 3).at, (TextPosition{4, 18}));
  EXPECT_EQ(element(a.value, 3).text, "null");
  EXPECT_EQ(member(*document, 1).at, (TextPosition{4, 24}));
  EXPECT_EQ(member(*document, 1).value.at, (TextPosition{5, 5}));
}

TEST(ParseJson, IsNotMisledByWhatStringsContain) {
  const auto document = parse_json(R"({"q\"{[": "\\", "//x": "/* y */", "z": 1})");
  ASSERT_TRUE(document);
  EXPECT_EQ(member(*document, 0).key, "q\"{[");
  EXPECT_EQ(member(*document, 1).at.column, 17U);
  EXPECT_EQ(member(*document, 1).value.text, "\"/* y */\"");
  EXPECT_EQ(member(*document, 2).value.at.column, 40U);
}

TEST(ParseJson, CommentsMayTouchWhatTheyFollow) {
  const auto document = parse_json("[1//x\n,2/**/,/***/3]");
  ASSERT_TRUE(document);
  EXPECT_EQ(element(*document, 0).text, "1");
  EXPECT_EQ(element(*document, 1).at, (TextPosition{2, 2}));
  EXPECT_EQ(element(*document, 1).text, "2");
  EXPECT_EQ(element(*document, 2).at, (TextPosition{2, 13}));
}

TEST(ParseJson, CountsCharactersNotBytes) {
  const auto document = parse_json("[\"äöü€\", 1]");
  ASSERT_TRUE(document);
  EXPECT_EQ(element(*document, 1).at.column, 10U);
}

TEST(ParseJson, SkipsAByteOrderMark) {
  const auto document = parse_json("\xEF\xBB\xBF{\"a\": 1}");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->at, (TextPosition{1, 1}));
  EXPECT_EQ(member(*document, 0).value.at.column, 7U);
}

TEST(ParseJson, KeepsTheKindsOfNumbersApart) {
  const auto document = parse_json("[9223372036854775807, 9223372036854775808, -1, 1.0]");
  ASSERT_TRUE(document);
  EXPECT_EQ(std::get<std::int64_t>(element(*document, 0).value), INT64_MAX);
  EXPECT_TRUE(std::holds_alternative<double>(element(*document, 1).value));
  EXPECT_EQ(std::get<std::int64_t>(element(*document, 2).value), -1);
  EXPECT_TRUE(std::holds_alternative<double>(element(*document, 3).value));
}

TEST(ParseJson, KeepsDuplicateKeys) {
  const auto document = parse_json(R"({"a": 1, "a": 2})");
  ASSERT_TRUE(document);
  EXPECT_EQ(std::get<JsonObject>(document->value).size(), 2U);
}

struct Broken {
  std::string text;
  TextPosition at;
  std::string pointer;
  std::string message;
};

/// Older GoogleTest names a test after its parameter, and bytes make no name.
void PrintTo(const Broken& broken, std::ostream* out) {
  *out << testing::PrintToString(broken.message);
}

class ParseJsonFault : public testing::TestWithParam<Broken> {};

TEST_P(ParseJsonFault, IsPlaced) {
  const auto document = parse_json(GetParam().text);
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().at, GetParam().at)
      << document.error().message << " " << document.error().at.line << ":"
      << document.error().at.column;
  EXPECT_EQ(document.error().pointer, GetParam().pointer);
  EXPECT_THAT(document.error().message, HasSubstr(GetParam().message));
}

using namespace std::string_literals;  // NOLINT(google-build-using-namespace): for NUL bytes
INSTANTIATE_TEST_SUITE_P(
    All, ParseJsonFault,
    testing::Values(
        Broken{"", {1, 1}, "", "input"}, Broken{" // nothing\n", {2, 1}, "", "end of input"},
        Broken{"{", {1, 2}, "", "expected string literal"},
        Broken{"{\"a\": 1,\n}", {2, 1}, "", "expected string literal"},
        Broken{"{\"a\": {\"b\": [1,\n 2,, 3]}}", {2, 4}, "/a/b", "unexpected ','"},
        Broken{"{\"a\"\n 1}", {2, 2}, "", "expected ':'"},
        Broken{"[1\n   2]", {2, 4}, "", "expected ']'"},
        Broken{"[\n  tru]", {2, 3}, "", "invalid literal"},
        Broken{"[\"a\n\"]", {1, 2}, "", "invalid string"},
        Broken{"[\"\xFF\"]", {1, 2}, "", "ill-formed UTF-8"},
        Broken{"[1, /* open", {1, 5}, "", "missing closing"},
        Broken{"[1, / 2]", {1, 5}, "", "invalid comment"},
        Broken{"[1e999]", {1, 2}, "", "number overflow"},
        Broken{"[01]", {1, 4}, "", "expected ']'"}, Broken{"{} {}", {1, 4}, "", "end of input"},
        Broken{"{}\n\0x"s, {2, 1}, "", "NUL"},
        Broken{std::string(17, '['), {1, 17}, "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0", "deeper"}));

TEST(ParseJson, QuotesOnlyTextThatIsValidUtf8) {
  const auto document = parse_json("[\xC3]");
  ASSERT_FALSE(document);
  for (const char c : document.error().message)
    EXPECT_LT(static_cast<unsigned char>(c), 0x7F);
}

TEST(AppendPointer, Escapes) {
  EXPECT_EQ(append_pointer("/a", "b/c~d\n"), "/a/b~1c~0d\\u000a");
  EXPECT_EQ(append_pointer("", std::size_t{3}), "/3");
}

}  // namespace
}  // namespace fief
