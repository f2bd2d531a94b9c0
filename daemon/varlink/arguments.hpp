// SPDX-License-Identifier: GPL-2.0-only
// The parameters of a call, read one by one. The first that is missing, of another type or not read
// at all is remembered; what was read then counts for nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "backend/methods.hpp"
#include "status/json_values.hpp"

namespace fief::varlink {

class Arguments {
 public:
  /// @p parameters is an object, and must outlive this.
  explicit Arguments(const json::Json& parameters) : parameters_(parameters) {}

  std::string text(const std::string& name);
  /// Booleans, whole numbers of 63 bits, reals and strings by name.
  ChangedKeys values(const std::string& name);

  /// These may be absent, or null.
  std::string text_or_empty(const std::string& name);
  /// Without reals; empty if absent.
  Options options_or_none(const std::string& name);
  /// Whether @p flag is set, the only one there can be.
  bool flag(const std::string& name, std::uint64_t flag);

  /// The parameter that is wrong.
  [[nodiscard]] std::optional<std::string> fault() const;

 private:
  std::int64_t whole(const std::string& name);
  const json::Json* find(const std::string& name);
  const json::Json* require(const std::string& name);
  void blame(const std::string& name);

  const json::Json& parameters_;
  std::set<std::string> read_;
  std::optional<std::string> fault_;
};

}  // namespace fief::varlink
