// SPDX-License-Identifier: GPL-2.0-only
#include "policy/json_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "policy/token_cursor.hpp"

namespace fief {
namespace {

using nlohmann::json;

// Four times what a policy needs; bounds the recursion of whoever walks the result.
constexpr std::size_t kMaxDepth = 16;

/// "[json.exception…] parse error at line 3, column 7: <the sentence>" → the sentence, in ASCII:
/// it quotes the text, which need not be valid UTF-8.
std::string strip_prefixes(std::string_view what) {
  if (const auto end = what.find("] "); end != std::string_view::npos)
    what.remove_prefix(end + 2);
  if (what.starts_with("parse error at "))
    what.remove_prefix(std::min(what.find(": ") + 2, what.size()));
  std::string message(what);
  std::ranges::replace_if(
      message, [](char c) { return static_cast<unsigned char>(c) >= 0x7F; }, '?');
  return message;
}

/// Turns the parser's callbacks into nodes and takes each one's place from the cursor.
class Builder final : public nlohmann::json_sax<json> {
 public:
  explicit Builder(std::string_view text) : cursor_(text) {}

  bool null() override { return add(std::monostate{}); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override {
    if (std::in_range<std::int64_t>(value))
      return add(static_cast<std::int64_t>(value));
    return add(static_cast<double>(value));
  }
  bool number_float(double value, const std::string& /*text*/) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(json::binary_t& /*value*/) override { return false; }  // not in JSON texts
  bool start_object(std::size_t /*size*/) override { return open(JsonObject{}); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(JsonArray{}); }
  bool end_array() override { return close(); }

  bool key(std::string& value) override {
    const auto token = cursor_.next();
    std::get<JsonObject>(open_.back()->value)
        .push_back({token.at, token.text, std::move(value), {}});
    return true;
  }

  bool parse_error(std::size_t bytes_read, const std::string& /*token*/,
                   const json::exception& error) override {
    fault_ = {cursor_.fault_position(bytes_read), pointer(), strip_prefixes(error.what())};
    return false;
  }

  JsonNode take_root() { return std::move(root_); }
  JsonFault take_fault() { return std::move(fault_); }

 private:
  template <class Value>
  bool add(Value value) {
    place() = make_node(std::move(value));
    return true;
  }

  template <class Container>
  bool open(Container container) {
    auto& node = place();
    node = make_node(std::move(container));
    // Stays where it is while it is open: nothing is added to its parent meanwhile.
    open_.push_back(&node);
    if (open_.size() <= kMaxDepth)
      return true;
    fault_ = {node.at, pointer(), fmt::format("nested deeper than {} levels", kMaxDepth)};
    return false;
  }

  bool close() {
    cursor_.next();
    open_.pop_back();
    return true;
  }

  template <class Value>
  JsonNode make_node(Value value) {
    const auto token = cursor_.next();
    return {token.at, token.text, std::move(value)};
  }

  /// Where the next value belongs.
  JsonNode& place() {
    if (open_.empty())
      return root_;
    if (auto* array = std::get_if<JsonArray>(&open_.back()->value))
      return array->emplace_back();
    return std::get<JsonObject>(open_.back()->value).back().value;
  }

  [[nodiscard]] std::string pointer() const {
    std::string pointer;
    for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
      if (const auto* array = std::get_if<JsonArray>(&open_[i]->value))
        pointer = append_pointer(pointer, array->size() - 1);
      else
        pointer = append_pointer(pointer, std::get<JsonObject>(open_[i]->value).back().key);
    }
    return pointer;
  }

  TokenCursor cursor_;
  JsonNode root_;
  std::vector<JsonNode*> open_;  ///< arrays and objects that are not closed yet
  JsonFault fault_;
};

}  // namespace

tl::expected<JsonNode, JsonFault> parse_json(std::string_view text) {
  // The library takes a NUL for the end of the text and would not look at what follows.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return tl::unexpected(JsonFault{position_at(text, nul), "", "the text contains a NUL byte"});
  Builder builder(text);
  if (!json::sax_parse(text.begin(), text.end(), &builder, json::input_format_t::json,
                       /*strict=*/true, /*ignore_comments=*/true))
    return tl::unexpected(builder.take_fault());
  return builder.take_root();
}

std::string append_pointer(std::string_view pointer, std::string_view step) {
  std::string result(pointer);
  result += '/';
  for (const char c : step) {
    if (c == '~')
      result += "~0";
    else if (c == '/')
      result += "~1";
    else if (static_cast<unsigned char>(c) < 0x20)
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      result += c;
  }
  return result;
}

std::string append_pointer(std::string_view pointer, std::size_t index) {
  return fmt::format("{}/{}", pointer, index);
}

}  // namespace fief
