// SPDX-License-Identifier: GPL-2.0-only
// Network: source -> participant (wants) -> CPU (1; cost 0 if it had it, else 1) -> sink.
#include "property/flow_oracle.hpp"

#include <lemon/network_simplex.h>
#include <lemon/preflow.h>
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

bool fits(const std::vector<int>& amounts, const std::vector<std::vector<int>>& allowed,
          const std::vector<int>& bins) {
  using Graph = lemon::SmartDigraph;
  Graph graph;
  Graph::ArcMap<int> capacity(graph);
  const auto source = graph.addNode();
  const auto sink = graph.addNode();
  std::vector<Graph::Node> nodes;
  for (const auto size : bins) {
    nodes.push_back(graph.addNode());
    capacity[graph.addArc(nodes.back(), sink)] = size;
  }
  int total = 0;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    const auto node = graph.addNode();
    capacity[graph.addArc(source, node)] = amounts[i];
    for (const auto bin : allowed[i])
      capacity[graph.addArc(node, nodes[static_cast<std::size_t>(bin)])] = amounts[i];
    total += amounts[i];
  }
  lemon::Preflow<Graph, Graph::ArcMap<int>> flow(graph, capacity, source, sink);
  flow.runMinCut();
  return flow.flowValue() == total;
}

}  // namespace fief::test
