// SPDX-License-Identifier: GPL-2.0-only
// The cores no thread of which has an owner, found by locality. Internal to plan/.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "plan/placement/layout.hpp"

namespace fief {

/// An LLC and how many cids of it somebody has.
struct LlcCount {
  std::uint32_t llc;
  std::uint32_t count;
};

class FreeCores {
 public:
  /// @p owner by position, kNone where free. Within an LLC, cores that were not shared before come
  /// first: those sharing may stay.
  FreeCores(const Layout& layout, const std::vector<std::uint32_t>& owner,
            const std::vector<char>& shared_before);

  [[nodiscard]] bool is_free(std::uint32_t core) const { return free_[core] != 0; }
  void remove(std::uint32_t core);

  /// Where @p count threads go best: an LLC of @p anchors (in their order), the closest fit on a
  /// node of theirs, the closest fit anywhere; failing a fit the fullest LLC of such a node, or of
  /// the node that fits closest. kNone when no core is free.
  [[nodiscard]] std::uint32_t best_llc(std::span<const LlcCount> anchors,
                                       std::uint32_t count) const;
  /// The LLC with free cores of which @p own (by LLC) has least, then with most free threads.
  [[nodiscard]] std::uint32_t emptiest_llc(const std::vector<std::uint32_t>& own) const;
  /// The next free core of an LLC, kNone if there is none.
  [[nodiscard]] std::uint32_t next_core(std::uint32_t llc);
  /// A free core below the layout's largest size and of at most @p threads; kNone if none.
  [[nodiscard]] std::uint32_t small_core(std::uint32_t threads);

 private:
  using Ranked = std::pair<std::uint32_t, std::uint32_t>;  // free threads, LLC or node

  [[nodiscard]] std::uint32_t fit_on(std::uint32_t node, std::uint32_t count) const;
  void set_free_threads(std::uint32_t llc, std::uint32_t threads);

  const Layout& layout_;
  std::vector<char> free_;                             // by core
  std::vector<std::vector<std::uint32_t>> llc_cores_;  // in order of use
  std::vector<std::uint32_t> cursor_;                  // by LLC, into llc_cores_
  std::vector<std::uint32_t> llc_threads_;             // free, by LLC
  std::vector<std::uint32_t> node_threads_;            // free, by node
  std::vector<std::set<Ranked>> node_llcs_;            // LLCs with free threads, by node
  std::set<Ranked> llcs_;                              // the same of all nodes
  std::set<Ranked> nodes_;
  std::vector<std::uint32_t> small_;
};

}  // namespace fief
