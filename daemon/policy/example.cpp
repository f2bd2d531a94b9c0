// SPDX-License-Identifier: GPL-2.0-only
#include "policy/example.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/systemd_unit.hpp"

namespace fief {
namespace {

// Whatever a regular expression is made of: the simplest text it may mean. What it gets wrong does
// not match, and is not used.
class RegexExample {
 public:
  RegexExample(std::string_view regex, std::string variable)
      : rest_(regex), variable_(std::move(variable)) {}

  // Of the first alternative; the others are passed over.
  std::string alternatives() {
    auto text = sequence();
    while (take('|'))
      sequence();
    return text;
  }

 private:
  std::string sequence() {
    std::string text;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')')
      text += repeated();
    return text;
  }

  // What is not there is simplest, but a name without its variable part is nobody's.
  std::string repeated() {
    const bool is_variable = rest_.front() == '[' || rest_.front() == '.';
    auto text = atom();
    const bool may_be_absent = take('*') || take('?');
    const bool is_repeated = !may_be_absent && take('+');
    if (take('{'))
      skip_behind('}');
    take('?');
    if (is_variable && (may_be_absent || is_repeated))
      return variable_;
    return may_be_absent ? std::string{} : text;
  }

  std::string atom() {
    if (take('('))
      return group();
    if (take('['))
      return one_of_set();
    if (take('^') || take('$'))
      return {};
    if (take('.'))
      return "1";
    const bool is_escaped = take('\\');
    if (rest_.empty())
      return {};
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return is_escaped && (c == 'd' || c == 'w') ? "1" : std::string(1, c);
  }

  std::string group() {
    const bool is_assertion = rest_.starts_with("?!") || rest_.starts_with("?=");
    if (is_assertion || rest_.starts_with("?:"))
      rest_.remove_prefix(2);
    auto text = alternatives();
    take(')');
    return is_assertion ? std::string{} : text;
  }

  std::string one_of_set() {
    const bool is_negated = take('^');
    const auto end = rest_.find(']', 1);
    const auto members = rest_.substr(0, end);
    skip_behind(']');
    return is_negated || members.find("0-9") != std::string_view::npos
               ? "1"
               : std::string(members.substr(0, 1));
  }

  bool take(char c) {
    if (!rest_.starts_with(c))
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip_behind(char c) {
    const auto at = rest_.find(c);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + 1);
  }

  std::string_view rest_;
  std::string variable_;
};

std::string glob_example(std::string_view glob, const std::string& variable) {
  std::string text;
  for (std::size_t i = 0; i < glob.size(); ++i) {
    if (glob[i] == '*') {
      text += variable;
      if (glob.substr(i).starts_with("**"))
        ++i;
    } else if (glob[i] == '?') {
      text += '1';
    } else if (glob[i] == '[' && glob.find(']', i + 2) != std::string_view::npos) {
      text += glob[i + 1] == '!' ? '1' : glob[i + 1];
      i = glob.find(']', i + 2);
    } else {
      text += glob[i];
    }
  }
  return text;
}

// Where systemd would put a unit of which only the name is known.
std::vector<std::string> likely_places(const std::string& path) {
  std::vector<std::string> places;
  const bool is_name_only = path.rfind('/') == 0;
  auto name = std::string_view(path).substr(std::min<std::size_t>(path.size(), 1));
  if (name.starts_with('_'))  // the alternative of a name that systemd escapes, seldom meant
    name.remove_prefix(1);
  if (is_name_only && name.ends_with(".service"))
    places.push_back(fmt::format("/system.slice/{}", name));
  if (const auto slice = slice_path(name); is_name_only && name.ends_with(".slice") && slice)
    places.push_back(*slice);
  places.push_back(fmt::format("/{}", name));
  places.push_back(path);
  return places;
}

std::string named_after(const DelegationPattern& pattern, std::size_t number) {
  auto name = pattern.delegation.name;
  std::ranges::replace_if(name, [](char c) { return c == '/' || c == '*' || c == '\\'; }, '_');
  return fmt::format("/{}-{}", name, number);
}

}  // namespace

std::string example_member(const DelegationPattern& pattern, std::size_t number) {
  const auto& text = pattern.cgroups.text();
  const auto variable = fmt::format("{}", number);
  const auto at = [&](const std::string& part) {
    return pattern.cgroups.kind() == CgroupPattern::Kind::glob
               ? glob_example(text, part)
               : RegexExample(text, part).alternatives();
  };
  const bool is_variable = at("1") != at("2");
  if (is_variable || number == 1)
    for (const auto& path : likely_places(at(variable)))
      if (path.starts_with('/') && pattern.cgroups.matches(path))
        return path;
  return named_after(pattern, number);
}

}  // namespace fief
