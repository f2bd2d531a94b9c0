// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/render_policy.hpp"

#include <fmt/format.h>

#include "cli/text/table.hpp"

namespace fief::cli {
namespace {

struct ToText {
  std::string operator()(std::monostate /*unset*/) const { return "-"; }
  template <class T>
  std::string operator()(const T& plain) const {
    return fmt::format("{}", plain);
  }
};

std::string origin(const ShownValue& value) {
  return value.file.empty() ? "default" : fmt::format("{}:{}", value.file, value.line);
}

void add_rows(Table& table, const std::string& name, const std::vector<ShownValue>& values,
              bool defaults) {
  bool is_first = true;
  for (const auto& value : values) {
    if (value.file.empty() && !defaults)
      continue;
    const auto paint = value.file.empty() ? Paint::dim : Paint::plain;
    table.add_row({{is_first ? name : "", Paint::bold},
                   {value.key, paint},
                   {std::visit(ToText{}, value.value), paint},
                   {origin(value), paint}});
    is_first = false;
  }
}

}  // namespace

std::string render_policy(const ShownPolicy& policy, bool defaults, const Style& style) {
  Table table({{"DELEGATION", false, true}, {"KEY"}, {"VALUE", false, true}, {"SET IN"}});
  add_rows(table, "(root)", policy.root, defaults);
  for (const auto& delegation : policy.delegations)
    add_rows(table, delegation.name, delegation.values, defaults);
  return table.render(style);
}

}  // namespace fief::cli
