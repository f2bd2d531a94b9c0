// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/tree.hpp"

#include <algorithm>
#include <numeric>

namespace fief {
namespace {

using Nodes = std::vector<CgroupNode>;
using Order = std::vector<std::uint32_t>;

// @p Key of the node at an index.
template <auto Key>
auto key_in(const Nodes& nodes) {
  return [&nodes](std::uint32_t index) -> const auto& { return nodes[index].*Key; };
}

template <auto Key>
Order ordered_by(const Nodes& nodes) {
  Order order(nodes.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, key_in<Key>(nodes));
  return order;
}

template <auto Key, class Value>
const CgroupNode* find_node(const Nodes& nodes, const Order& order, const Value& value) {
  if (order.empty()) {
    const auto found = std::ranges::find(nodes, value, Key);
    return found == nodes.end() ? nullptr : &*found;
  }
  const auto at = std::ranges::lower_bound(order, value, {}, key_in<Key>(nodes));
  return at != order.end() && nodes[*at].*Key == value ? &nodes[*at] : nullptr;
}

}  // namespace

void CgroupTree::index() {
  by_id = ordered_by<&CgroupNode::id>(nodes);
  by_path = ordered_by<&CgroupNode::path>(nodes);
}

const CgroupNode* CgroupTree::find(CgroupId id) const {
  return find_node<&CgroupNode::id>(nodes, by_id, id);
}

const CgroupNode* CgroupTree::find(std::string_view path) const {
  return find_node<&CgroupNode::path>(nodes, by_path, path);
}

bool CgroupTree::is_descendant(const CgroupNode& node, const CgroupNode& ancestor) const {
  const auto* at = &node;
  while (at->id != ancestor.id && at->id != nodes.front().id)
    at = &nodes[at->parent];
  return at->id == ancestor.id;
}

}  // namespace fief
