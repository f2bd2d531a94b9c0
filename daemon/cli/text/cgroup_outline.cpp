// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/cgroup_outline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace fief::cli {
namespace {

// The pieces of a tree's lines.
struct Branches {
  std::string_view fork, last, pass, blank;
};
constexpr Branches kDrawn{"├─ ", "└─ ", "│  ", "   "};
constexpr Branches kPlain{"|- ", "`- ", "|  ", "   "};

OutlineNode& child_named(OutlineNode& node, std::string_view name) {
  const auto found = std::ranges::find(node.children, name, &OutlineNode::name);
  if (found != node.children.end())
    return *found;
  return node.children.emplace_back(OutlineNode{std::string(name), nullptr, {}});
}

void insert(OutlineNode& root, const SchedulerView& view) {
  auto* node = &root;
  std::string_view rest = std::string_view(view.path).substr(1);
  while (!rest.empty()) {
    const auto slash = std::min(rest.find('/'), rest.size());
    node = &child_named(*node, rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  node->view = &view;
}

void fold(OutlineNode& node) {
  for (auto& child : node.children) {
    fold(child);
    if (child.view == nullptr && child.children.size() == 1) {
      auto only = std::move(child.children.front());
      only.name = child.name + '/' + only.name;
      child = std::move(only);
    }
  }
}

// @p first leads the node's own line, @p rest those below it.
void draw_below(const OutlineNode& node, const std::string& first, const std::string& rest,
                const Branches& branches, std::vector<OutlineLine>& lines) {
  const auto& below = node.children.empty() ? branches.blank : branches.pass;
  lines.push_back({first + node.name, fmt::format("{}{}", rest, below), node.view});
  for (const auto& child : node.children) {
    const bool last = &child == &node.children.back();
    draw_below(child, fmt::format("{}{}", rest, last ? branches.last : branches.fork),
               fmt::format("{}{}", rest, last ? branches.blank : branches.pass), branches, lines);
  }
}

}  // namespace

OutlineNode outline(const StatusView& status) {
  OutlineNode root{"/", nullptr, {}};
  for (const auto& view : status.schedulers)
    if (!view.path.empty())
      insert(root, view);
  fold(root);
  return root;
}

std::vector<OutlineLine> draw(const OutlineNode& root, const Style& style) {
  std::vector<OutlineLine> lines;
  draw_below(root, "", "", style.utf8 ? kDrawn : kPlain, lines);
  return lines;
}

}  // namespace fief::cli
