// SPDX-License-Identifier: GPL-2.0-only
// Plan minus observed state, as an ordered list of operations.
//
// Order. A cid's owner is the child that holds ENQ there; ENQ_IMMED alone is a permission that
// siblings hold side by side. First, for all cids:
//   1. Bridges. A child that holds cids now and in the end, but none of them throughout, would
//      have nothing after the revokes. It is granted ENQ_IMMED, and only that, on a cid it gets in
//      the end: preferably one that no other child holds, then one that it will share, then one
//      whose owner changes. Its tasks can run there from the first moment, nobody has become an
//      owner, and no grant had to wait for a revoke.
// Then shard by shard, since the kernel locks and announces by shard and a cid should not wait
// without an owner for work elsewhere:
//   2. Revokes of everything not wanted there, for all children.
//   3. Grants of everything wanted there and not held, for all children.
// So no cid ever has two owners: ENQ, PREEMPT and PERF are granted in phase 3 only, after every
// child that is to lose them on a cid of the shard has. And no child that has cids in the end is
// without one: what it holds throughout is never revoked, and if that is nothing, its bridge is not
// either.
#include "grants/grants.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

namespace fief {
namespace {

// ENQ_IMMED, the baseline, is the cap without which a cid cannot be used at all.
constexpr std::uint32_t kBaseline = FIEF_CAP_ENQ_IMMED;

HeldCaps minus(const HeldCaps& a, const HeldCaps& b) {
  HeldCaps out;
  for (std::size_t cap = 0; cap < out.by_cap.size(); ++cap)
    out.by_cap[cap] = a.by_cap[cap] - b.by_cap[cap];
  return out;
}

// Operations of one shard, by child and caps.
struct ShardOps {
  std::vector<GrantOp> revokes;
  std::vector<GrantOp> grants;
};
using OpsByShard = std::map<std::uint32_t, ShardOps>;

std::uint32_t shard_of(Cid cid, const Topology& topology) {
  return cid.value < topology.cids.size() ? topology.cids[cid.value].shard : 0;
}

// One operation for each shard and each set of caps that some of its cids have in common.
void append_ops(fief_op_kind kind, CgroupId child, const HeldCaps& caps, const Topology& topology,
                OpsByShard& shards) {
  CidSet all;
  for (const auto& cids : caps.by_cap)
    all |= cids;
  std::map<std::pair<std::uint32_t, std::uint32_t>, CidSet> grouped;
  for (const auto cid : all) {
    std::uint32_t mask = 0;
    for (std::size_t cap = 0; cap < caps.by_cap.size(); ++cap)
      mask |= caps.by_cap[cap].contains(cid) ? 1U << cap : 0;
    grouped[{shard_of(cid, topology), mask}].insert(cid);
  }
  for (auto& [key, cids] : grouped) {
    auto& shard = shards[key.first];
    auto& ops = kind == FIEF_OP_GRANT ? shard.grants : shard.revokes;
    ops.push_back({kind, child, key.second, std::move(cids)});
  }
}

struct Child {
  CgroupId id;
  HeldCaps wanted;
  HeldCaps held;
};

std::vector<Child> children_of(const LevelPlan& level,
                               const std::map<CgroupId, HeldCaps>& observed) {
  const auto lent = lent_cids(level);
  std::map<CgroupId, Child> children;
  // Whoever is not in the plan is to hold nothing.
  for (const auto& [id, held] : observed)
    if (id != kSelf)
      children[id] = {id, {}, held};
  for (const auto& participant : level.participants) {
    // A child that was not observed is gone, or not yet there: there is nobody to grant to.
    const auto at = children.find(participant.cgroup);
    if (at != children.end())
      at->second.wanted = wanted_caps(participant, lent);
  }
  std::vector<Child> out;
  out.reserve(children.size());
  for (auto& [id, child] : children)
    out.push_back(std::move(child));
  return out;
}

CidSet shared_cids(const ParticipantPlan& participant) {
  CidSet cids;
  for (const auto& share : participant.shared)
    cids.insert(share.cid);
  return cids;
}

CidSet first_of(const CidSet& cids) {
  CidSet first;
  first.insert(*cids.begin());
  return first;
}

bool needs_bridge(const Child& child) {
  return !child.held.immed().empty() && !child.wanted.immed().empty() &&
         !child.held.immed().intersects(child.wanted.immed());
}

CidSet held_by_others(const std::vector<Child>& children, const Child& self) {
  CidSet held;
  for (const auto& child : children)
    if (child.id != self.id)
      held |= child.held.immed();
  return held;
}

CidSet choose_bridge(const std::vector<Child>& children, const Child& child) {
  const auto free = child.wanted.immed() - held_by_others(children, child);
  if (!free.empty())
    return first_of(free);
  const auto shared = child.wanted.immed() - child.wanted.enq();
  return first_of(shared.empty() ? child.wanted.immed() : shared);
}

}  // namespace

HeldCaps wanted_caps(const ParticipantPlan& participant, const CidSet& lent) {
  const auto shared = shared_cids(participant);
  HeldCaps caps;
  if (participant.borrow)
    caps.by_cap[std::countr_zero(kBaseline)] = lent;
  for (std::size_t cap = 0; cap < caps.by_cap.size(); ++cap) {
    const auto bit = 1U << cap;
    if ((FIEF_CAPS_EXCLUSIVE & bit) != 0 || (bit == FIEF_CAP_PERF && participant.perf))
      caps.by_cap[cap] |= participant.exclusive;
    if ((FIEF_CAPS_SHARED & bit) != 0)
      caps.by_cap[cap] |= shared;
  }
  return caps;
}

std::vector<GrantOp> grant_operations(const LevelPlan& level,
                                      const std::map<CgroupId, HeldCaps>& observed,
                                      const Topology& topology) {
  auto children = children_of(level, observed);
  std::vector<GrantOp> bridges;
  for (const auto& child : children)
    if (needs_bridge(child))
      bridges.push_back({FIEF_OP_GRANT, child.id, kBaseline, choose_bridge(children, child)});
  OpsByShard shards;
  for (auto& child : children) {
    append_ops(FIEF_OP_REVOKE, child.id, minus(child.held, child.wanted), topology, shards);
    const auto bridge = std::ranges::find(bridges, child.id, &GrantOp::child);
    if (bridge != bridges.end())
      child.held.by_cap[std::countr_zero(kBaseline)] |= bridge->cids;
    append_ops(FIEF_OP_GRANT, child.id, minus(child.wanted, child.held), topology, shards);
  }
  auto ops = std::move(bridges);
  for (auto& [shard, parts] : shards) {
    std::ranges::move(parts.revokes, std::back_inserter(ops));
    std::ranges::move(parts.grants, std::back_inserter(ops));
  }
  return ops;
}

}  // namespace fief
