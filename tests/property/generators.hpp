// SPDX-License-Identifier: GPL-2.0-only
// Random worlds for the planner's properties.
#pragma once

#include <rapidcheck.h>

#include <string>

#include "support/world.hpp"

namespace fief::test {

/// Which features a random world may have.
struct Features {
  std::uint32_t max_threads = 2;
  bool limits = true;  ///< min_cpus, max_cpus
  bool exclusive = true;
  bool split = true;
  bool confined = false;  ///< "cpus:" placement, cpusets
  bool nested = true;
  bool offline = true;
};

inline std::string random_spec(std::uint32_t max_threads) {
  const auto factor = [](std::uint32_t most) { return *rc::gen::inRange(1U, most + 1); };
  const auto threads = max_threads >= 2 && *rc::gen::arbitrary<bool>() ? max_threads : 1;
  return fmt::format("{}x{}x{}x{}", factor(2), factor(3), factor(6), threads);
}

inline CidSet random_cpus(const Topology& topology) {
  CidSet cpus;
  const auto low = *rc::gen::inRange(0U, topology.nr_cids());
  const auto high = *rc::gen::inRange(low, topology.nr_cids());
  for (auto cpu = low; cpu <= high; ++cpu)
    cpus.insert(Cid{cpu});
  return cpus;
}

inline void random_delegation(World& world, const std::string& path, const Features& features) {
  auto& delegation = world.delegation(path);
  const auto cpus = static_cast<double>(world.topology.nr_cids());
  const auto chance = [](int in) { return *rc::gen::inRange(0, in) == 0; };
  if (features.limits && chance(6))
    delegation.min_cpus = cpus * (*rc::gen::inRange(0, 100)) / 1000.0;
  if (features.limits && chance(6))
    delegation.max_cpus =
        delegation.min_cpus.value_or(0) + cpus * (*rc::gen::inRange(1, 100)) / 200.0;
  delegation.exclusive = features.exclusive && chance(6);
  delegation.smt = features.split && chance(3) ? Smt::split : Smt::together;
  if (chance(6))
    delegation.placement = PlaceSpread{};
  if (features.confined && chance(4))
    delegation.placement = PlaceCpus{random_cpus(world.topology)};
  if (features.confined && chance(4))
    world.node(path).cpus = random_cpus(world.topology);
}

inline std::uint32_t random_weight() {
  // Log-uniform: administrators think in factors.
  const auto power = *rc::gen::inRange(0, 5);
  auto weight = *rc::gen::inRange(1U, 10U);
  for (int i = 0; i < power; ++i)
    weight = std::min(10000U, weight * 7);
  return weight;
}

/// A world whose demands need not be feasible.
inline World random_world(const Features& features) {
  World world(random_spec(features.max_threads));
  const auto children = *rc::gen::inRange(0, 14);
  std::vector<std::pair<std::string, CgroupId>> attached;
  for (int i = 0; i < children; ++i) {
    const bool below = features.nested && !attached.empty() && *rc::gen::inRange(0, 4) == 0;
    const auto at = below ? *rc::gen::inRange<std::size_t>(0, attached.size()) : 0;
    const auto path = fmt::format("{}/c{}", below ? attached[at].first : "", i);
    const auto id = world.child(path, random_weight(), below ? attached[at].second : kSelf);
    attached.emplace_back(path, id);
    random_delegation(world, path, features);
  }
  const auto others = *rc::gen::inRange(0, 3);
  for (int i = 0; i < others; ++i)
    world.cgroup(fmt::format("/other{}", i), random_weight());
  if (features.offline && *rc::gen::inRange(0, 3) == 0 && world.topology.nr_cids() > 1)
    world.topology.cids[*rc::gen::inRange(1U, world.topology.nr_cids())].online = false;
  return world;
}

/// Attaches, detaches, reweights or re-limits something.
inline void random_change(World& world, const Features& features) {
  const auto any = [&world] { return *rc::gen::inRange<std::size_t>(0, world.attachments.size()); };
  const auto kind = world.attachments.empty() ? 0 : *rc::gen::inRange(0, features.confined ? 5 : 4);
  if (kind == 0) {
    const auto path = fmt::format("/new{}", world.cgroups.nodes.size());
    world.child(path, random_weight());
    random_delegation(world, path, features);
  } else if (kind == 1) {
    const auto gone = world.attachments[any()].cgroup;
    std::erase_if(world.attachments, [gone](const Attachment& item) {
      return item.cgroup == gone || item.parent == gone;
    });
  } else {
    const auto id = world.attachments[any()].cgroup;
    auto& node = *std::ranges::find(world.cgroups.nodes, id, &CgroupNode::id);
    if (kind == 4)
      node.cpus = random_cpus(world.topology);
    else
      node.weight = random_weight();
  }
}

}  // namespace fief::test
