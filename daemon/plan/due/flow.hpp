// SPDX-License-Identifier: GPL-2.0-only
// Minimum-cost flow over a small network, for members that are confined to certain cids. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/level.hpp"

namespace fief {

class FlowNetwork {
 public:
  /// Which paths are taken first. By cost, what was sent is the cheapest flow of its size; it must
  /// be all that is sent, as arcs added later could make it dear: the rest goes by length.
  enum class By { cost, length };

  using Node = std::uint32_t;
  using Arc = std::uint32_t;
  static constexpr Node kSource = 0;
  static constexpr Node kSink = 1;

  /// Nodes are 0 (source), 1 (sink) and whatever else below @p nodes.
  explicit FlowNetwork(std::uint32_t nodes) : out_(nodes) {}

  Arc add(Node from, Node to, CpuTime capacity, std::int64_t cost = 0);
  /// Sends all that can flow from the source to the sink; returns how much that was.
  CpuTime send(By by);
  [[nodiscard]] CpuTime flow(Arc arc) const { return arcs_[arc + 1].left; }
  /// What flows through the arc can no longer be sent another way.
  void freeze(Arc arc) { frozen_[arc / 2] = 1; }
  /// The nodes to which more could flow from the source: the source's side of a minimum cut.
  [[nodiscard]] std::vector<char> reachable() const;

 private:
  struct Half {
    Node to;
    CpuTime left;
    std::int64_t cost;
  };
  [[nodiscard]] bool is_open(Arc half) const {
    return arcs_[half].left > 0 && frozen_[half / 2] == 0;
  }
  [[nodiscard]] std::vector<Arc> best_path(By by) const;

  std::vector<std::vector<Arc>> out_;
  std::vector<Half> arcs_;  // an arc and its reverse side by side
  std::vector<char> frozen_;
};

}  // namespace fief
