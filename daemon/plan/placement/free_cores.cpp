// SPDX-License-Identifier: GPL-2.0-only
// Best-fit search over ordered sets of free threads: O(log) a step.
#include "plan/placement/free_cores.hpp"

#include <algorithm>

namespace fief {

FreeCores::FreeCores(const Layout& layout, const std::vector<std::uint32_t>& owner,
                     const std::vector<char>& shared_before)
    : layout_(layout),
      free_(layout.cores.size(), 0),
      llc_cores_(layout.llcs.size()),
      cursor_(layout.llcs.size(), 0),
      llc_threads_(layout.llcs.size(), 0),
      node_threads_(layout.nodes, 0),
      node_llcs_(layout.nodes) {
  std::vector<std::uint32_t> threads(layout.llcs.size(), 0);
  const auto was_shared = [&](std::uint32_t core) {
    const auto& range = layout.cores[core];
    return std::any_of(shared_before.begin() + range.begin, shared_before.begin() + range.end,
                       [](char shared) { return shared != 0; });
  };
  for (std::uint32_t core = 0; core < layout.cores.size(); ++core) {
    const auto& range = layout.cores[core];
    if (!std::all_of(owner.begin() + range.begin, owner.begin() + range.end,
                     [](std::uint32_t who) { return who == kNone; }))
      continue;
    free_[core] = 1;
    threads[range.llc] += range.size();
    llc_cores_[range.llc].push_back(core);
    if (range.size() < layout.threads)
      small_.push_back(core);
  }
  for (std::uint32_t llc = 0; llc < layout.llcs.size(); ++llc) {
    std::ranges::stable_partition(llc_cores_[llc],
                                  [&](std::uint32_t core) { return !was_shared(core); });
    set_free_threads(llc, threads[llc]);
  }
}

void FreeCores::set_free_threads(std::uint32_t llc, std::uint32_t threads) {
  const auto node = layout_.llcs[llc].node;
  const auto old = llc_threads_[llc];
  llcs_.erase({old, llc});
  node_llcs_[node].erase({old, llc});
  nodes_.erase({node_threads_[node], node});
  llc_threads_[llc] = threads;
  node_threads_[node] = node_threads_[node] - old + threads;
  if (threads > 0) {
    llcs_.insert({threads, llc});
    node_llcs_[node].insert({threads, llc});
  }
  if (node_threads_[node] > 0)
    nodes_.insert({node_threads_[node], node});
}

void FreeCores::remove(std::uint32_t core) {
  free_[core] = 0;
  const auto llc = layout_.cores[core].llc;
  set_free_threads(llc, llc_threads_[llc] - layout_.cores[core].size());
}

std::uint32_t FreeCores::fit_on(std::uint32_t node, std::uint32_t count) const {
  const auto& llcs = node_llcs_[node];
  if (llcs.empty())
    return kNone;
  const auto at = llcs.lower_bound({count, 0});
  return at != llcs.end() ? at->second : llcs.rbegin()->second;
}

std::uint32_t FreeCores::best_llc(std::span<const LlcCount> anchors, std::uint32_t count) const {
  for (const auto& anchor : anchors)
    if (llc_threads_[anchor.llc] > 0)
      return anchor.llc;
  for (const auto& anchor : anchors)
    if (const auto llc = fit_on(layout_.llcs[anchor.llc].node, count); llc != kNone)
      return llc;
  if (const auto at = llcs_.lower_bound({count, 0}); at != llcs_.end())
    return at->second;
  if (nodes_.empty())
    return kNone;
  const auto node = nodes_.lower_bound({count, 0});
  return fit_on(node != nodes_.end() ? node->second : nodes_.rbegin()->second, count);
}

std::uint32_t FreeCores::emptiest_llc(const std::vector<std::uint32_t>& own) const {
  auto best = kNone;
  for (const auto& [threads, llc] : llcs_)
    if (best == kNone || own[llc] < own[best] ||
        (own[llc] == own[best] && threads > llc_threads_[best]))
      best = llc;
  return best;
}

std::uint32_t FreeCores::next_core(std::uint32_t llc) {
  auto& at = cursor_[llc];
  const auto& cores = llc_cores_[llc];
  while (at < cores.size() && !is_free(cores[at]))
    ++at;
  return at < cores.size() ? cores[at] : kNone;
}

std::uint32_t FreeCores::small_core(std::uint32_t threads) {
  std::erase_if(small_, [this](std::uint32_t core) { return !is_free(core); });
  for (const auto core : small_)
    if (layout_.cores[core].size() <= threads)
      return core;
  return kNone;
}

}  // namespace fief
