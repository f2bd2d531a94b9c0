// SPDX-License-Identifier: GPL-2.0-only
// How much memory planning takes at most, over sixty-four times as many CPUs and children. Fails
// where that grows faster than they do.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "bench/crowd.hpp"

namespace {

std::size_t in_use = 0;
std::size_t peak = 0;

}  // namespace

void* operator new(std::size_t size) {
  auto* memory = std::malloc(size);
  if (memory == nullptr)
    throw std::bad_alloc();
  in_use += malloc_usable_size(memory);
  peak = std::max(peak, in_use);
  return memory;
}

void operator delete(void* memory) noexcept {
  in_use -= memory == nullptr ? 0 : malloc_usable_size(memory);
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
  operator delete(memory);
}

namespace fief::test {
namespace {

/// Bytes at the height of a replan with all weights changed, the new plan included, for each CPU
/// and child.
double bytes_each(std::int64_t cpus, std::int64_t children) {
  auto world = crowd(cpus, children);
  world.plan();
  shuffle_weights(world);
  const auto before = in_use;
  peak = in_use;
  const auto plan = world.make();
  const auto used = static_cast<double>(peak - before);
  const auto each = used / static_cast<double>(cpus + children);
  fmt::print("{:>6} CPUs {:>6} children {:>10.0f} KiB {:>8.0f} bytes each\n", cpus, children,
             used / 1024, each);
  return plan ? each : 1e9;
}

int run() {
  const auto small = bytes_each(128, 157);
  double most = 0;
  for (const auto& [cpus, children] : {std::pair{512, 625}, {2048, 2500}, {8192, 10000}})
    most = std::max(most, bytes_each(cpus, children));
  return most <= 1.5 * small ? 0 : 1;
}

}  // namespace
}  // namespace fief::test

int main() {
  return fief::test::run();
}
