// SPDX-License-Identifier: GPL-2.0-only
// Finds where the tokens of a JSON text stand. Private to the policy's parser.
//
// The SAX parser tells what comes next but not where. This cursor walks the same text one token
// for each of its callbacks. It judges nothing: whether the text is JSON is the parser's business,
// so it needs to be right on valid text only, and on any other must merely stay inside.
#pragma once

#include <cstddef>
#include <string_view>

#include "policy/json_document.hpp"

namespace fief {

/// Where the byte at @p offset of @p text stands.
TextPosition position_at(std::string_view text, std::size_t offset);

class TokenCursor {
 public:
  struct Token {
    TextPosition at;
    std::string_view text;
  };

  explicit TokenCursor(std::string_view text);

  /// The next string, number, literal or bracket; past the last one an empty text.
  Token next();

  /// Where the parser stumbled: at the next token, or where @p bytes_read of the text were read if
  /// that is earlier.
  TextPosition fault_position(std::size_t bytes_read);

 private:
  void advance_to(std::size_t offset);

  std::string_view text_;
  std::size_t offset_ = 0;
  TextPosition position_;
};

}  // namespace fief
