// SPDX-License-Identifier: GPL-2.0-only
// Topology's own methods, and topologies from a specification.
#include "topology/topology.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "topology/numbering.hpp"

namespace fief {
namespace {

constexpr std::uint32_t kMaxFactor = 1024;
constexpr std::uint64_t kMaxCpus = 65536;

// Parts that leave out LLCs or nodes lie in those of the part before.
enum class Begins { node, llc, core };

struct Part {
  Begins begins = Begins::node;
  std::uint32_t nodes = 1;
  std::uint32_t llcs = 1;     // a node
  std::uint32_t cores = 1;    // an LLC
  std::uint32_t threads = 1;  // a core
  std::uint32_t capacity = kFullCapacity;

  [[nodiscard]] std::uint64_t count() const {
    return std::uint64_t{nodes} * llcs * cores * threads;
  }
};

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t most) {
  std::uint32_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value);
  if (ec != std::errc{} || stop != end || value < 1 || value > most)
    return std::nullopt;
  return value;
}

// Up to four factors; nothing if they are none, or more.
std::optional<Part> parse_factors(std::string_view text) {
  std::vector<std::uint32_t> factors;
  for (bool more = true; more;) {
    const auto end = text.find('x');
    const auto value = parse_number(text.substr(0, end), kMaxFactor);
    if (!value || factors.size() == 4)
      return std::nullopt;
    factors.push_back(*value);
    more = end != std::string_view::npos;
    text = more ? text.substr(end + 1) : std::string_view{};
  }
  switch (factors.size()) {
    case 1:
      return Part{.begins = Begins::core, .cores = factors[0]};
    case 2:
      return Part{.begins = Begins::core, .cores = factors[0], .threads = factors[1]};
    case 3:
      return Part{
          .begins = Begins::llc, .llcs = factors[0], .cores = factors[1], .threads = factors[2]};
    default:
      return Part{.begins = Begins::node,
                  .nodes = factors[0],
                  .llcs = factors[1],
                  .cores = factors[2],
                  .threads = factors[3]};
  }
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Result<Part> parse_part(std::string_view text) {
  const auto space = text.find(' ');
  auto part = parse_factors(text.substr(0, space));
  if (!part)
    return fail(Errc::invalid,
                "\"{}\" is not a topology: write NODESxLLCSxCORESxTHREADS, or only the last of "
                "these, with factors from 1 to {}, e.g. 2x4x8x2",
                text.substr(0, space), kMaxFactor);
  if (space == std::string_view::npos)
    return *part;
  constexpr std::string_view kCapacity = "cap=";
  const auto rest = trimmed(text.substr(space));
  const auto capacity = rest.starts_with(kCapacity)
                            ? parse_number(rest.substr(kCapacity.size()), kFullCapacity)
                            : std::nullopt;
  if (!capacity)
    return fail(Errc::invalid, "\"{}\" is not a capacity: write cap=N with N from 1 to {}", rest,
                kFullCapacity);
  part->capacity = *capacity;
  return *part;
}

// The parts that "+" joins; an error names the part it is in, where there are several.
Result<std::vector<Part>> parse_parts(std::string_view spec) {
  const bool several = spec.find('+') != std::string_view::npos;
  std::vector<Part> parts;
  for (bool more = true; more;) {
    const auto end = spec.find('+');
    more = end != std::string_view::npos;
    const auto text = spec.substr(0, end);
    const auto part = parse_part(several ? trimmed(text) : text);
    if (!part && several)
      return context(fmt::format("part {}", parts.size() + 1), part.error());
    if (!part)
      return tl::unexpected(part.error());
    parts.push_back(*part);
    spec = more ? spec.substr(end + 1) : std::string_view{};
  }
  return parts;
}

// Numbers the CPUs of parts one after another.
class Builder {
 public:
  void add(const Part& part) {
    if (cpus_.empty() || part.begins == Begins::node)
      next_node_ = true;
    if (part.begins != Begins::core)
      next_llc_ = true;
    for (std::uint32_t node = 0; node < part.nodes; ++node, next_node_ = true)
      for (std::uint32_t llc = 0; llc < part.llcs; ++llc, next_llc_ = true)
        add_cores(part);
    next_node_ = next_llc_ = false;
  }

  [[nodiscard]] const std::vector<RawCpu>& cpus() const { return cpus_; }

 private:
  void add_cores(const Part& part) {
    const bool first = cpus_.empty();
    node_ += next_node_ && !first ? 1U : 0U;
    llc_ += (next_node_ || next_llc_) && !first ? 1U : 0U;
    next_node_ = next_llc_ = false;
    for (std::uint32_t core = 0; core < part.cores; ++core, ++core_)
      for (std::uint32_t thread = 0; thread < part.threads; ++thread)
        cpus_.push_back(
            {static_cast<std::uint32_t>(cpus_.size()), node_, llc_, core_, true, part.capacity});
  }

  std::vector<RawCpu> cpus_;
  std::uint32_t node_ = 0;
  std::uint32_t llc_ = 0;
  std::uint32_t core_ = 0;
  bool next_node_ = false;
  bool next_llc_ = false;
};

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

bool Topology::is_uniform() const {
  return std::ranges::all_of(
      cids, [this](const CidInfo& info) { return info.capacity == cids.front().capacity; });
}

void normalise_capacities(Topology& topology) {
  std::uint32_t biggest = 1;
  for (const auto& info : topology.cids)
    biggest = std::max(biggest, info.capacity);
  for (auto& info : topology.cids)
    info.capacity = std::max(1U, (info.capacity * kFullCapacity + biggest / 2) / biggest);
}

Result<Topology> parse_topology_spec(std::string_view spec) {
  const auto parts = parse_parts(spec);
  if (!parts)
    return tl::unexpected(parts.error());
  std::uint64_t count = 0;
  for (const auto& part : *parts)
    count += part.count();
  if (count > kMaxCpus)
    return fail(Errc::invalid, "\"{}\" is a topology of {} CPUs; at most {} can be planned for",
                spec, count, kMaxCpus);
  Builder builder;
  for (const auto& part : *parts)
    builder.add(part);
  auto topology = number_cids(builder.cpus());
  normalise_capacities(topology);
  return topology;
}

}  // namespace fief
