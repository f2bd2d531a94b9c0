// SPDX-License-Identifier: GPL-2.0-only
// Translation between the ABI's tables (fief/abi.h) and fief's types. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/cid_set.hpp"
#include "fief/abi.h"
#include "grants/grants.hpp"
#include "plan/plan.hpp"
#include "topology/topology.hpp"

namespace fief {

/// Which slot of a scheduler's tables each of its children has. A child keeps its slot for as long
/// as it is planned for, so that unrelated changes leave its accounts alone.
class SlotTable {
 public:
  SlotTable() = default;
  /// The slots that @p state has in use.
  explicit SlotTable(const fief_state& state);
  /// Frees the slots of children that @p level no longer names and gives new ones the lowest free
  /// slot. Errc::infeasible beyond FIEF_MAX_SLOTS - 1 children.
  Status update(const LevelPlan& level);
  /// FIEF_SLOT_SELF for kSelf. The child must be in the table.
  [[nodiscard]] std::uint16_t slot(CgroupId child) const;
  /// Writes fief_state::staged_slots; returns how many of them are meaningful. The table must be up
  /// to date with @p level.
  std::uint32_t write(const LevelPlan& level, fief_state& state) const;

 private:
  std::map<CgroupId, std::uint16_t> slots_;
};

CidSet from_abi(const fief_cidset& set);
void to_abi(const CidSet& set, fief_cidset& out);

Topology topology_from_state(const fief_state& state);
HeldCaps held_from_view(const fief_caps_view& view);
/// Nothing where nothing has been published yet.
std::optional<Activity> activity_from(const fief_activity& published);
void write_op(const GrantOp& op, fief_op& out);

/// The plan that @p state divides its cids by, for the next to keep what it can of it. What
/// participants may borrow and do (borrow, perf) is not in it.
LevelPlan level_from_state(const fief_state& state);

/// Writes the plan of every cid (fief_state::staged_cids). Errc::infeasible if a cid has more
/// sharers than FIEF_MAX_SHARERS.
Status write_cid_plans(const LevelPlan& level, const SlotTable& slots, fief_state& state);

}  // namespace fief
