// SPDX-License-Identifier: GPL-2.0-only
// From a plan and what the kernel says holds now to the operations in between. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "core/cid_set.hpp"
#include "core/ids.hpp"
#include "fief/abi.h"
#include "plan/plan.hpp"

namespace fief {

/// Caps as the kernel holds them: one set of cids for each cap bit (ENQ_IMMED, ENQ, PREEMPT, PERF).
struct HeldCaps {
  std::array<CidSet, FIEF_NR_CAPS> by_cap;
  [[nodiscard]] const CidSet& immed() const { return by_cap[0]; }
  [[nodiscard]] const CidSet& enq() const { return by_cap[1]; }
  [[nodiscard]] const CidSet& preempt() const { return by_cap[2]; }
  [[nodiscard]] const CidSet& perf() const { return by_cap[3]; }
  friend bool operator==(const HeldCaps&, const HeldCaps&) = default;
};

/// One grant or revoke.
struct GrantOp {
  fief_op_kind kind = FIEF_OP_REVOKE;
  CgroupId child;
  std::uint32_t caps = 0;  ///< FIEF_CAP_* bits
  CidSet cids;
  friend bool operator==(const GrantOp&, const GrantOp&) = default;
};

/// What @p participant should literally hold: its own cids, and to borrow, the baseline on the
/// @p lent ones of its level.
HeldCaps wanted_caps(const ParticipantPlan& participant, const CidSet& lent);

/// The operations that lead from @p observed (children of one scheduler) to @p level: deltas
/// only, shard by shard of @p topology; revokes come before the grants they make room for, so no
/// cid ever has two owners, and a child that keeps CPUs is never left with none in between.
std::vector<GrantOp> grant_operations(const LevelPlan& level,
                                      const std::map<CgroupId, HeldCaps>& observed,
                                      const Topology& topology);

}  // namespace fief
