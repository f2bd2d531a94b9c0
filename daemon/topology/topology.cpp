// SPDX-License-Identifier: GPL-2.0-only
// Topology's own methods, and topologies from a specification.
#include "topology/topology.hpp"

#include <array>
#include <charconv>

#include "topology/numbering.hpp"

namespace fief {
namespace {

constexpr std::uint32_t kMaxFactor = 1024;
constexpr std::uint64_t kMaxCpus = 65536;

struct Factors {
  std::array<std::uint32_t, 4> value{};  // nodes, LLCs a node, cores an LLC, threads a core
};

Result<Factors> parse_factors(std::string_view spec) {
  Factors factors;
  auto rest = spec;
  for (std::size_t i = 0; i < factors.value.size(); ++i) {
    const auto end = rest.find('x');
    const auto text = rest.substr(0, end);
    const bool last = i + 1 == factors.value.size();
    auto& value = factors.value[i];
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc{} || stop != text.data() + text.size() || value < 1 || value > kMaxFactor ||
        last != (end == std::string_view::npos))
      return fail(Errc::invalid,
                  "\"{}\" is not a topology: write NODESxLLCSxCORESxTHREADS with factors from 1 "
                  "to {}, e.g. 2x4x8x2",
                  spec, kMaxFactor);
    rest = last ? std::string_view{} : rest.substr(end + 1);
  }
  return factors;
}

}  // namespace

CidSet Topology::online() const {
  CidSet set;
  for (const auto& info : cids)
    if (info.online)
      set.insert(info.cid);
  return set;
}

CidSet Topology::core_siblings(Cid cid) const {
  CidSet set;
  // A core's cids are contiguous: walk outwards from the one given.
  const auto core = cids.at(cid.value).core;
  for (auto i = cid.value; i < nr_cids() && cids[i].core == core; ++i)
    set.insert(Cid{i});
  for (auto i = cid.value; i > 0 && cids[i - 1].core == core; --i)
    set.insert(Cid{i - 1});
  return set;
}

Result<Topology> parse_topology_spec(std::string_view spec) {
  const auto factors = parse_factors(spec);
  if (!factors)
    return tl::unexpected(factors.error());
  const auto [nodes, llcs, cores, threads] = factors->value;
  const auto count = std::uint64_t{nodes} * llcs * cores * threads;
  if (count > kMaxCpus)
    return fail(Errc::invalid, "\"{}\" is a topology of {} CPUs; at most {} can be planned for",
                spec, count, kMaxCpus);
  std::vector<RawCpu> cpus;
  cpus.reserve(count);
  for (std::uint32_t cpu = 0; cpu < count; ++cpu)
    cpus.push_back(
        {cpu, cpu / (threads * cores * llcs), cpu / (threads * cores), cpu / threads, true});
  return number_cids(cpus);
}

}  // namespace fief
