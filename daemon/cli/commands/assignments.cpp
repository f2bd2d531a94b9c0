// SPDX-License-Identifier: GPL-2.0-only
#include "cli/commands/assignments.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace fief::cli {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

}  // namespace

ChangedValue parse_value(std::string_view text) {
  if (text == "true" || text == "false")
    return text == "true";
  if (const auto whole = parse_number<std::int64_t>(text))
    return *whole;
  if (const auto real = parse_number<double>(text))
    return *real;
  return std::string(text);
}

Result<ChangedKeys> parse_assignments(const std::vector<std::string>& arguments) {
  ChangedKeys values;
  for (const auto& argument : arguments) {
    const auto sign = argument.find('=');
    if (sign == std::string::npos || sign == 0)
      return fail(Errc::invalid, "\"{}\" is not of the form KEY=VALUE", argument);
    auto key = argument.substr(0, sign);
    std::ranges::replace(key, '-', '_');
    if (!values.emplace(key, parse_value(std::string_view(argument).substr(sign + 1))).second)
      return fail(Errc::invalid, "{} is given twice", key);
  }
  return values;
}

Result<ChangedKeys> parse_options(const std::vector<std::string>& arguments) {
  auto options = parse_assignments(arguments);
  if (!options)
    return options;
  for (const auto& [name, value] : *options)
    if (std::holds_alternative<double>(value))
      return fail(Errc::invalid, "option {} is neither a whole number, true, false nor a string",
                  name);
  return options;
}

}  // namespace fief::cli
