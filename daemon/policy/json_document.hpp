// SPDX-License-Identifier: GPL-2.0-only
// JSON with comments, each value with the place where it stands. Private to the policy's parser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

namespace fief {

/// Both from 1; columns count characters (code points), not bytes.
struct TextPosition {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend auto operator<=>(const TextPosition&, const TextPosition&) = default;
};

struct JsonNode;
struct JsonMember;
using JsonArray = std::vector<JsonNode>;
using JsonObject = std::vector<JsonMember>;  ///< in the text's order, duplicates included

/// One value. Views point into the text it was parsed from.
struct JsonNode {
  TextPosition at;
  std::string_view text;  ///< as written; of an array or object only the bracket
  /// Whole numbers beyond 64 bits with sign are doubles.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, JsonArray, JsonObject>
      value;
};

struct JsonMember {
  TextPosition at;        ///< of the key
  std::string_view text;  ///< the key as written, quotes included
  std::string key;
  JsonNode value;
};

struct JsonFault {
  TextPosition at;
  std::string pointer;  ///< of the innermost array or object that was being read
  std::string message;
};

/// Parses one document; // and /* */ comments count as white space. Stops at the first fault:
/// what a parser says after one is guesswork.
tl::expected<JsonNode, JsonFault> parse_json(std::string_view text);

/// "<pointer>/<step>" in RFC 6901's notation, control characters as in JSON strings.
std::string append_pointer(std::string_view pointer, std::string_view step);
std::string append_pointer(std::string_view pointer, std::size_t index);

}  // namespace fief
