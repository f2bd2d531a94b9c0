// SPDX-License-Identifier: GPL-2.0-only
// Reads this machine's topology from sysfs. The one place of the planner's side that reads files.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

#include "topology/numbering.hpp"
#include "topology/topology.hpp"

namespace fief {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> read_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line))
    return std::nullopt;
  return line;
}

Result<CidSet> read_cpu_list(const fs::path& path) {
  const auto line = read_line(path);
  if (!line)
    return fail(Errc::io, "cannot read {}", path.string());
  return CidSet::parse(*line).map_error(
      [&path](const Error& error) { return context(path.string(), error).value(); });
}

// The first CPU of a list file stands for the group; absent where the file is.
std::optional<std::uint32_t> first_cpu(const fs::path& path) {
  const auto list = read_cpu_list(path);
  if (!list || list->empty())
    return std::nullopt;
  return (*list->begin()).value;
}

// The last cache leaf of a CPU, as the kernel takes it; absent without cache information.
std::optional<std::uint32_t> llc_of(const fs::path& cpu_dir) {
  std::optional<std::uint32_t> llc;
  for (std::uint32_t leaf = 0;; ++leaf) {
    const auto shared =
        first_cpu(cpu_dir / "cache" / fmt::format("index{}", leaf) / "shared_cpu_list");
    if (!shared)
      return llc;
    llc = shared;
  }
}

// Node of every CPU, by CPU number; CPUs no node claims are on node 0.
std::vector<std::uint32_t> read_nodes(const fs::path& node_root, std::uint32_t cpus) {
  std::vector<std::uint32_t> node_of(cpus, 0);
  const auto nodes = read_cpu_list(node_root / "online");
  if (!nodes)
    return node_of;
  for (const auto node : *nodes) {
    const auto list = read_cpu_list(node_root / fmt::format("node{}", node.value) / "cpulist");
    if (!list)
      continue;
    for (const auto cpu : *list)
      if (cpu.value < cpus)
        node_of[cpu.value] = node.value;
  }
  return node_of;
}

// Unset where the kernel knows of none, or says something else than 1..kFullCapacity.
std::optional<std::uint32_t> capacity_of(const fs::path& cpu_root, std::uint32_t cpu) {
  const auto line = read_line(cpu_root / fmt::format("cpu{}", cpu) / "cpu_capacity");
  if (!line)
    return std::nullopt;
  std::uint32_t capacity = 0;
  const auto* end = line->data() + line->size();
  const auto [stop, ec] = std::from_chars(line->data(), end, capacity);
  const bool valid = ec == std::errc{} && stop == end && capacity >= 1 && capacity <= kFullCapacity;
  return valid ? std::optional(capacity) : std::nullopt;
}

RawCpu read_cpu(const fs::path& cpu_root, std::uint32_t cpu, std::uint32_t node) {
  const auto dir = cpu_root / fmt::format("cpu{}", cpu);
  RawCpu raw{cpu, node, 0, 0, true};
  raw.core = first_cpu(dir / "topology" / "thread_siblings_list").value_or(cpu);
  // Without cache information the node stands for the LLC, in numbers that no CPU has.
  constexpr std::uint32_t kNodeAsLlc = 1U << 31;
  raw.llc = llc_of(dir).value_or(kNodeAsLlc | node);
  return raw;
}

}  // namespace

Result<Topology> read_topology(std::string_view sysfs_root) {
  const auto system = fs::path(sysfs_root) / "devices" / "system";
  const auto possible = read_cpu_list(system / "cpu" / "possible");
  if (!possible)
    return tl::unexpected(possible.error());
  const auto online = read_cpu_list(system / "cpu" / "online");
  if (!online)
    return tl::unexpected(online.error());
  std::uint32_t count = 0;
  for (const auto cpu : *possible)
    count = cpu.value + 1;
  const auto node_of = read_nodes(system / "node", count);
  std::vector<RawCpu> cpus;
  for (const auto cpu : *possible)
    cpus.push_back(online->contains(cpu) ? read_cpu(system / "cpu", cpu.value, node_of[cpu.value])
                                         : RawCpu{cpu.value, 0, 0, 0, false});
  auto topology = number_cids(cpus);
  read_capacities(topology, sysfs_root);
  return topology;
}

void read_capacities(Topology& topology, std::string_view sysfs_root) {
  const auto cpu_root = fs::path(sysfs_root) / "devices" / "system" / "cpu";
  for (auto& info : topology.cids) {
    const auto capacity = capacity_of(cpu_root, info.cpu);
    if (!capacity && info.online) {
      for (auto& other : topology.cids)
        other.capacity = kFullCapacity;
      return;
    }
    // One that is away and says nothing makes no other slower.
    info.capacity = capacity.value_or(1);
  }
  normalise_capacities(topology);
}

}  // namespace fief
