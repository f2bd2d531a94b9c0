// SPDX-License-Identifier: GPL-2.0-only
// Large worlds for benchmarks.
#pragma once

#include <random>
#include <string>

#include "support/world.hpp"

namespace fief::test {

inline std::string spec_of(std::int64_t cpus) {
  // LLCs of eight cores with two threads, nodes of eight LLCs.
  return cpus <= 128 ? fmt::format("1x{}x8x2", cpus / 16) : fmt::format("{}x8x8x2", cpus / 128);
}

/// Children with random weights side by side, none of whom the kernel side's limits bound.
inline World crowd(std::int64_t cpus, std::int64_t children) {
  World world(spec_of(cpus));
  world.limits = {UINT32_MAX, UINT32_MAX};
  std::mt19937 random(42);
  std::uniform_int_distribution<std::uint32_t> weight(1, 1000);
  for (std::int64_t i = 0; i < children; ++i) {
    const auto id = CgroupId{static_cast<std::uint64_t>(i) + 2};
    world.cgroups.nodes.push_back({id, fmt::format("/c{}", i), 0, weight(random), false, true});
    world.attachments.push_back({id, kSelf, false});
  }
  return world;
}

inline void shuffle_weights(World& world) {
  for (std::size_t i = 1; i < world.cgroups.nodes.size(); ++i)
    world.cgroups.nodes[i].weight = world.cgroups.nodes[i].weight % 1000 + 17;
}

}  // namespace fief::test
