// SPDX-License-Identifier: GPL-2.0-only
// How long planning takes, against the aims: 512 CPUs x 1,024 children in 1 ms, one weight changed
// there in 200 us, 8,192 CPUs x 10,000 children in 50 ms.
#include <benchmark/benchmark.h>

#include <random>
#include <stdexcept>

#include "support/world.hpp"

namespace fief::test {
namespace {

World make_world(const std::string& spec, std::int64_t children) {
  World world(spec);
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

std::string spec_of(std::int64_t cpus) {
  // LLCs of eight cores with two threads, nodes of eight LLCs.
  return cpus <= 128 ? fmt::format("1x{}x8x2", cpus / 16) : fmt::format("{}x8x8x2", cpus / 128);
}

void plan_cold(benchmark::State& state) {
  const auto world = make_world(spec_of(state.range(0)), state.range(1));
  for (auto _ : state) {
    auto plan = world.make();
    if (!plan)
      throw std::runtime_error(plan.error().message);
    benchmark::DoNotOptimize(plan);
  }
}

void replan_all_weights(benchmark::State& state) {
  auto world = make_world(spec_of(state.range(0)), state.range(1));
  world.plan();
  for (std::size_t i = 1; i < world.cgroups.nodes.size(); ++i)
    world.cgroups.nodes[i].weight = world.cgroups.nodes[i].weight % 1000 + 17;
  for (auto _ : state) {
    auto plan = world.make();
    benchmark::DoNotOptimize(plan);
  }
}

void replan_one_weight(benchmark::State& state) {
  auto world = make_world(spec_of(state.range(0)), state.range(1));
  world.plan();
  world.cgroups.nodes[7].weight += 100;
  for (auto _ : state) {
    auto plan = world.make();
    benchmark::DoNotOptimize(plan);
  }
}

void replan_unchanged(benchmark::State& state) {
  auto world = make_world(spec_of(state.range(0)), state.range(1));
  world.plan();
  for (auto _ : state) {
    auto plan = world.make();
    benchmark::DoNotOptimize(plan);
  }
}

void check(benchmark::State& state) {
  auto world = make_world(spec_of(state.range(0)), state.range(1));
  const auto& plan = world.plan();
  for (auto _ : state) {
    auto status = check_plan(plan, world.input());
    benchmark::DoNotOptimize(status);
  }
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Args({16, 8})->Args({512, 1024})->Args({8192, 10000})->Unit(benchmark::kMicrosecond);
}

BENCHMARK(plan_cold)->Apply(sizes);
BENCHMARK(replan_all_weights)->Apply(sizes);
BENCHMARK(replan_one_weight)->Apply(sizes);
BENCHMARK(replan_unchanged)->Apply(sizes);
BENCHMARK(check)->Apply(sizes);

}  // namespace
}  // namespace fief::test

BENCHMARK_MAIN();
