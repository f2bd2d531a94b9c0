// SPDX-License-Identifier: GPL-2.0-only
// Successive best paths (Bellman and Ford with a queue; by length, that is Edmonds and Karp).
#include "plan/due/flow.hpp"

#include <algorithm>
#include <deque>
#include <limits>

namespace fief {

FlowNetwork::Arc FlowNetwork::add(Node from, Node to, CpuTime capacity, std::int64_t cost) {
  const auto arc = static_cast<Arc>(arcs_.size());
  arcs_.push_back({to, capacity, cost});
  arcs_.push_back({from, 0, -cost});
  frozen_.push_back(0);
  out_[from].push_back(arc);
  out_[to].push_back(arc + 1);
  return arc;
}

// The halves of arcs that lead to the sink, in reverse; empty if nothing more can flow.
std::vector<FlowNetwork::Arc> FlowNetwork::best_path(By by) const {
  constexpr auto kFar = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> cost(out_.size(), kFar);
  std::vector<Arc> last(out_.size(), kNone);
  std::vector<char> waiting(out_.size(), 0);
  std::deque<Node> queue{kSource};
  cost[kSource] = 0;
  while (!queue.empty()) {
    const auto at = queue.front();
    queue.pop_front();
    waiting[at] = 0;
    for (const auto half : out_[at]) {
      const auto to = arcs_[half].to;
      const auto price = cost[at] + (by == By::cost ? arcs_[half].cost : 1);
      if (!is_open(half) || price >= cost[to])
        continue;
      cost[to] = price;
      last[to] = half;
      if (waiting[to] == 0)
        queue.push_back(to);
      waiting[to] = 1;
    }
  }
  std::vector<Arc> path;
  for (auto at = kSink; last[at] != kNone; at = arcs_[last[at] ^ 1U].to)
    path.push_back(last[at]);
  return path;
}

CpuTime FlowNetwork::send(By by) {
  CpuTime sent = 0;
  for (auto path = best_path(by); !path.empty(); path = best_path(by)) {
    auto amount = kUnlimited;
    for (const auto half : path)
      amount = std::min(amount, arcs_[half].left);
    for (const auto half : path) {
      arcs_[half].left -= amount;
      arcs_[half ^ 1U].left += amount;
    }
    sent += amount;
  }
  return sent;
}

std::vector<char> FlowNetwork::reachable() const {
  std::vector<char> reached(out_.size(), 0);
  std::vector<Node> open{kSource};
  reached[kSource] = 1;
  while (!open.empty()) {
    const auto at = open.back();
    open.pop_back();
    for (const auto half : out_[at])
      if (is_open(half) && reached[arcs_[half].to] == 0) {
        reached[arcs_[half].to] = 1;
        open.push_back(arcs_[half].to);
      }
  }
  return reached;
}

}  // namespace fief
