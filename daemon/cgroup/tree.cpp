// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/tree.hpp"

#include <algorithm>

namespace fief {
namespace {

template <class Predicate>
const CgroupNode* find_node(const std::vector<CgroupNode>& nodes, Predicate predicate) {
  const auto found = std::ranges::find_if(nodes, predicate);
  return found == nodes.end() ? nullptr : &*found;
}

}  // namespace

const CgroupNode* CgroupTree::find(CgroupId id) const {
  return find_node(nodes, [id](const CgroupNode& node) { return node.id == id; });
}

const CgroupNode* CgroupTree::find(std::string_view path) const {
  return find_node(nodes, [path](const CgroupNode& node) { return node.path == path; });
}

bool CgroupTree::is_descendant(const CgroupNode& node, const CgroupNode& ancestor) const {
  const auto* at = &node;
  while (at->id != ancestor.id && at->id != nodes.front().id)
    at = &nodes[at->parent];
  return at->id == ancestor.id;
}

}  // namespace fief
