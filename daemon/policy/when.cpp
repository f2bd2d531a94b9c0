// SPDX-License-Identifier: GPL-2.0-only
#include "policy/when.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <utility>

namespace fief {
namespace {

constexpr std::string_view kCountAllowed =
    R"(a whole number, or one with <, <=, =, !=, >= or > before it, such as ">=16")";
constexpr std::string_view kVersionAllowed =
    R"(a version with <, <=, =, !=, >= or > before it, such as ">=7.3")";

// Longer ones first, since they begin with the shorter ones.
constexpr std::array<std::pair<std::string_view, Comparison>, 6> kOperators{
    {{"<=", Comparison::at_most},
     {">=", Comparison::at_least},
     {"!=", Comparison::not_equal},
     {"<", Comparison::less},
     {">", Comparison::more},
     {"=", Comparison::equal}}};

std::string_view without_spaces(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

/// The numbers at the beginning of a version: "7.3.4-amd64" has 7, 3 and 4. @p rest: what follows.
std::vector<std::uint32_t> numbers_of(std::string_view text, std::string_view& rest) {
  std::vector<std::uint32_t> numbers;
  for (rest = text; !rest.empty();) {
    const auto part = numbers.empty() ? rest : rest.substr(1);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc{} || (!numbers.empty() && rest.front() != '.'))
      break;
    numbers.push_back(number);
    rest = part.substr(static_cast<std::size_t>(end - part.data()));
  }
  return numbers;
}

/// Without an operator: nothing.
std::optional<Bound> bound_in(const std::string& text) {
  const auto* found = std::ranges::find_if(
      kOperators, [&text](const auto& known) { return text.starts_with(known.first); });
  if (found == kOperators.end())
    return std::nullopt;
  std::string_view rest;
  auto numbers =
      numbers_of(without_spaces(std::string_view(text).substr(found->first.size())), rest);
  if (numbers.empty() || !rest.empty())
    return std::nullopt;
  return Bound{found->second, std::move(numbers), text};
}

std::strong_ordering compare(std::vector<std::uint32_t> actual, const Bound& bound) {
  actual.resize(bound.numbers.size());
  return actual <=> bound.numbers;
}

bool holds(const Bound& bound, const std::vector<std::uint32_t>& actual) {
  const auto order = compare(actual, bound);
  switch (bound.by) {
    case Comparison::less:
      return order < 0;
    case Comparison::at_most:
      return order <= 0;
    case Comparison::equal:
      return order == 0;
    case Comparison::not_equal:
      return order != 0;
    case Comparison::at_least:
      return order >= 0;
    case Comparison::more:
      return order > 0;
  }
  return false;
}

std::vector<std::uint32_t> version_of(const std::string& text) {
  std::string_view rest;
  return numbers_of(text, rest);
}

ValueResult<std::string> as_words(const JsonNode& node, std::string_view allowed) {
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr || text->empty() || !is_name(*text))
    return tl::unexpected(not_allowed(node, allowed));
  return *text;
}

bool virtualization_holds(const std::string& wanted, const std::string& actual) {
  return wanted == "any" ? actual != "none" : actual == wanted;
}

class Judge {
 public:
  void bound(std::string_view key, const Setting<Bound>& wanted,
             const std::vector<std::uint32_t>& numbers, const std::string& actual) {
    if (wanted.value && !holds(*wanted.value, numbers))
      note(key, actual, wanted.value->text);
  }
  void text(std::string_view key, const Setting<std::string>& wanted, const std::string& actual,
            bool (*holds)(const std::string& wanted, const std::string& actual)) {
    if (wanted.value && !holds(*wanted.value, actual))
      note(key, actual, *wanted.value);
  }
  [[nodiscard]] std::optional<std::string> take() { return std::move(unmet_); }

 private:
  // The first is enough.
  void note(std::string_view key, std::string_view actual, std::string_view wanted) {
    if (!unmet_)
      unmet_ = fmt::format("{} is {}, not {}", key, actual, wanted);
  }
  std::optional<std::string> unmet_;
};

}  // namespace

ValueResult<Bound> as_count_bound(const JsonNode& node) {
  const auto* number = std::get_if<std::int64_t>(&node.value);
  if (number != nullptr && *number >= 0 && *number <= static_cast<std::int64_t>(kMaxCpus))
    return Bound{Comparison::equal, {static_cast<std::uint32_t>(*number)}, std::string(node.text)};
  const auto* text = std::get_if<std::string>(&node.value);
  auto bound = text == nullptr ? std::nullopt : bound_in(*text);
  if (!bound || bound->numbers.size() != 1)
    return tl::unexpected(not_allowed(node, kCountAllowed));
  return std::move(*bound);
}

ValueResult<Bound> as_version_bound(const JsonNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  auto bound = text == nullptr ? std::nullopt : bound_in(*text);
  if (!bound)
    return tl::unexpected(not_allowed(node, kVersionAllowed));
  return std::move(*bound);
}

ValueResult<std::string> as_host_glob(const JsonNode& node) {
  return as_words(node, R"(a host's name, or a glob over such names, like "db-*")");
}

ValueResult<std::string> as_architecture(const JsonNode& node) {
  return as_words(node, R"(the name of an architecture, such as "x86-64" or "arm64")");
}

ValueResult<std::string> as_virtualization(const JsonNode& node) {
  if (const auto* any = std::get_if<bool>(&node.value))
    return std::string(*any ? "any" : "none");
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr || (*text != "vm" && *text != "container"))
    return tl::unexpected(not_allowed(node, R"(true, false, "vm" or "container")"));
  return *text;
}

std::string format_left_out(const LeftOut& left_out) {
  const auto what = left_out.name.empty() ? "the file" : fmt::format("\"{}\"", left_out.name);
  return fmt::format("{}:{}: {} is left out on this machine: {}", left_out.file, left_out.line,
                     what, left_out.why);
}

std::optional<std::string> unmet(const WhenDraft& when, const Machine& machine) {
  const auto is_equal = [](const std::string& wanted, const std::string& actual) {
    return wanted == actual;
  };
  const auto is_match = [](const std::string& wanted, const std::string& actual) {
    return ::fnmatch(wanted.c_str(), actual.c_str(), 0) == 0;
  };
  Judge judge;
  judge.bound("cpus", when.cpus, {machine.cpus}, std::to_string(machine.cpus));
  judge.bound("nodes", when.nodes, {machine.nodes}, std::to_string(machine.nodes));
  judge.bound("kernel", when.kernel, version_of(machine.kernel), machine.kernel);
  judge.text("host", when.host, machine.host, is_match);
  judge.text("architecture", when.architecture, machine.architecture, is_equal);
  judge.text("virtualization", when.virtualization, machine.virtualization, virtualization_holds);
  return judge.take();
}

}  // namespace fief
