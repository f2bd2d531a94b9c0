// SPDX-License-Identifier: GPL-2.0-only
// Cid numbering and the split of LLCs into shards.
#include "topology/numbering.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace fief {
namespace {

// A CPU with the first CPU of each of its groups: sorting by these is the kernel's walk.
struct Ranked {
  std::uint32_t node;
  std::uint32_t llc;
  std::uint32_t core;
  std::uint32_t cpu;
  std::uint32_t capacity;
  friend auto operator<=>(const Ranked&, const Ranked&) = default;
};

std::vector<Ranked> rank(const std::vector<RawCpu>& cpus) {
  using Group = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;
  std::map<Group, std::uint32_t> first;
  // CPUs ascend, so the first to name a group is its first CPU.
  const auto first_of = [&first](const Group& group, std::uint32_t cpu) {
    return first.try_emplace(group, cpu).first->second;
  };
  constexpr auto kAny = UINT32_MAX;
  std::vector<Ranked> ranked;
  for (const auto& raw : cpus)
    if (raw.online)
      ranked.push_back({first_of({raw.node, kAny, kAny}, raw.cpu),
                        first_of({raw.node, raw.llc, kAny}, raw.cpu),
                        first_of({raw.node, raw.llc, raw.core}, raw.cpu), raw.cpu, raw.capacity});
  std::ranges::sort(ranked);
  return ranked;
}

// Splits one LLC's cids into shards of at most a size, whole cores only, evenly by cores.
class Sharder {
 public:
  explicit Sharder(std::uint32_t size) : size_(size) {}

  void begin_llc(std::uint32_t cids, std::uint32_t cores) {
    const auto shards = std::max(1U, (cids + size_ - 1) / size_);
    cores_per_shard_ = cores / shards;
    large_ = cores % shards;
    local_ = 0;
    begin_shard();
  }

  std::uint32_t core(std::uint32_t cids) {
    const auto max_cores = cores_per_shard_ + (local_ < large_ ? 1 : 0);
    if (cores_ != 0 && (cores_ >= max_cores || cids_ + cids > size_)) {
      ++local_;
      begin_shard();
    }
    ++cores_;
    cids_ += cids;
    return next_ - 1;
  }

  // Cids without topology fill shards one by one.
  std::uint32_t loose() {
    if (!in_tail_ || cids_ >= size_)
      begin_shard();
    in_tail_ = true;
    ++cids_;
    return next_ - 1;
  }

 private:
  void begin_shard() {
    ++next_;
    cores_ = 0;
    cids_ = 0;
  }

  std::uint32_t size_;
  std::uint32_t next_ = 0;
  std::uint32_t cores_per_shard_ = 0;
  std::uint32_t large_ = 0;
  std::uint32_t local_ = 0;
  std::uint32_t cores_ = 0;
  std::uint32_t cids_ = 0;
  bool in_tail_ = false;
};

// Indices of the cid last numbered; each rises when its group changes.
struct Indices {
  std::uint32_t core = UINT32_MAX;
  std::uint32_t llc = UINT32_MAX;
  std::uint32_t node = UINT32_MAX;
};

bool same_llc(const Ranked& a, const Ranked& b) {
  return a.node == b.node && a.llc == b.llc;
}

bool same_core(const Ranked& a, const Ranked& b) {
  return same_llc(a, b) && a.core == b.core;
}

std::uint32_t count_cores(const std::vector<Ranked>& cpus, std::size_t begin, std::size_t end) {
  std::uint32_t cores = 1;
  for (auto i = begin + 1; i < end; ++i)
    cores += same_core(cpus[i - 1], cpus[i]) ? 0U : 1U;
  return cores;
}

template <class Same>
std::size_t group_end(const std::vector<Ranked>& cpus, std::size_t begin, Same same) {
  auto end = begin;
  while (end < cpus.size() && same(cpus[begin], cpus[end]))
    ++end;
  return end;
}

}  // namespace

Topology number_cids(const std::vector<RawCpu>& cpus, std::uint32_t shard_size) {
  Topology topology;
  Sharder sharder(shard_size);
  Indices at;
  const auto ranked = rank(cpus);
  for (std::size_t llc = 0; llc < ranked.size();) {
    const auto llc_end = group_end(ranked, llc, same_llc);
    at.node += llc == 0 || ranked[llc - 1].node != ranked[llc].node ? 1U : 0U;
    ++at.llc;
    sharder.begin_llc(static_cast<std::uint32_t>(llc_end - llc), count_cores(ranked, llc, llc_end));
    for (auto core = llc; core < llc_end;) {
      const auto core_end = group_end(ranked, core, same_core);
      const auto shard = sharder.core(static_cast<std::uint32_t>(core_end - core));
      ++at.core;
      for (; core < core_end; ++core)
        topology.cids.push_back({Cid{topology.nr_cids()}, ranked[core].cpu, at.core, at.llc,
                                 at.node, shard, true, ranked[core].capacity});
    }
    llc = llc_end;
  }
  for (const auto& raw : cpus)
    if (!raw.online)
      topology.cids.push_back({Cid{topology.nr_cids()}, raw.cpu, ++at.core, ++at.llc, ++at.node,
                               sharder.loose(), false, raw.capacity});
  return topology;
}

}  // namespace fief
