// SPDX-License-Identifier: GPL-2.0-only
// Network: source -> participant (wants) -> CPU (1; cost 0 if it had it, else 1) -> sink.
#include "property/flow_oracle.hpp"

#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

#include <numeric>
#include <stdexcept>

namespace fief::test {

int least_moves(const std::vector<int>& had, const std::vector<int>& wants) {
  using Graph = lemon::SmartDigraph;
  Graph graph;
  Graph::ArcMap<int> capacity(graph);
  Graph::ArcMap<int> cost(graph);
  const auto add = [&](Graph::Node from, Graph::Node to, int most, int price) {
    const auto arc = graph.addArc(from, to);
    capacity[arc] = most;
    cost[arc] = price;
  };
  const auto source = graph.addNode();
  const auto sink = graph.addNode();
  std::vector<Graph::Node> cpus;
  for (std::size_t c = 0; c < had.size(); ++c) {
    cpus.push_back(graph.addNode());
    add(cpus.back(), sink, 1, 0);
  }
  for (std::size_t p = 0; p < wants.size(); ++p) {
    const auto node = graph.addNode();
    add(source, node, wants[p], 0);
    for (std::size_t c = 0; c < cpus.size(); ++c)
      add(node, cpus[c], 1, had[c] == static_cast<int>(p) ? 0 : 1);
  }
  const auto flow = std::accumulate(wants.begin(), wants.end(), 0);
  lemon::NetworkSimplex<Graph> simplex(graph);
  simplex.upperMap(capacity).costMap(cost).stSupply(source, sink, flow);
  if (simplex.run() != lemon::NetworkSimplex<Graph>::OPTIMAL)
    throw std::runtime_error("the demands do not fit the CPUs");
  return static_cast<int>(simplex.totalCost());
}

}  // namespace fief::test
