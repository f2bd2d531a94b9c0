// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/state_codec.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>

namespace fief {
namespace {

/// Replaces the kernel's -1 ("unknown") by indices that nobody else has.
class IndexOrOwn {
 public:
  explicit IndexOrOwn(std::int32_t highest) : next_(highest + 1) {}
  std::uint32_t operator()(std::int32_t index) {
    return static_cast<std::uint32_t>(index >= 0 ? index : next_++);
  }

 private:
  std::int32_t next_;
};

// BPF writes the counts as well: a damaged one must not lead out of the tables.
std::uint32_t cids_in_use(const fief_state& state) {
  return std::min<std::uint32_t>(state.nr_cids, FIEF_MAX_CIDS);
}
std::uint32_t slots_in_use(const fief_state& state) {
  return std::min<std::uint32_t>(state.nr_slots, FIEF_MAX_SLOTS);
}

std::int32_t highest(const fief_state& state, std::int32_t fief_cid_topo::* index) {
  std::int32_t found = -1;
  for (std::uint32_t cid = 0; cid < cids_in_use(state); ++cid)
    found = std::max(found, state.topo[cid].*index);
  return found;
}

Status add_share(fief_cid_plan& plan, Cid cid, std::uint16_t slot, CpuTime fraction) {
  if (plan.nr == FIEF_MAX_SHARERS)
    return fail(Errc::infeasible, "cid {} would have more than {} sharers", cid.value,
                FIEF_MAX_SHARERS);
  plan.share[plan.nr++] = {slot, 0, static_cast<__u32>(fraction)};
  return {};
}

std::uint32_t flags_of(Lend lend) {
  switch (lend) {
    case Lend::nothing:
      return FIEF_PARTICIPANT_KEEPS;
    case Lend::cores:
      return FIEF_PARTICIPANT_LENDS_CORES;
    case Lend::cpus:
      break;
  }
  return 0;
}
Lend lend_of(std::uint32_t flags) {
  if ((flags & FIEF_PARTICIPANT_KEEPS) != 0)
    return Lend::nothing;
  return (flags & FIEF_PARTICIPANT_LENDS_CORES) != 0 ? Lend::cores : Lend::cpus;
}

// What a participant that lends does not lend is to land on.
void own_cid(ParticipantPlan& participant, Cid cid, bool lent) {
  participant.exclusive.insert(cid);
  if (participant.lend != Lend::nothing && !lent)
    participant.landing.insert(cid);
}

}  // namespace

SlotTable::SlotTable(const fief_state& state) {
  for (std::uint32_t slot = 1; slot < slots_in_use(state); ++slot)
    if (const auto child = state.slots[slot].participant.cgroup_id; child != 0)
      slots_.emplace(CgroupId{child}, static_cast<std::uint16_t>(slot));
}

Status SlotTable::update(const LevelPlan& level) {
  std::set<CgroupId> wanted;
  for (const auto& participant : level.participants)
    if (participant.cgroup != kSelf)
      wanted.insert(participant.cgroup);
  if (wanted.size() >= FIEF_MAX_SLOTS)
    return fail(Errc::infeasible, "{} children below one scheduler; at most {} are served",
                wanted.size(), FIEF_MAX_SLOTS - 1);
  std::erase_if(slots_, [&wanted](const auto& entry) { return !wanted.contains(entry.first); });

  std::array<bool, FIEF_MAX_SLOTS> used{};
  used[FIEF_SLOT_SELF] = true;
  for (const auto& [child, slot] : slots_)
    used.at(slot) = true;
  for (const auto child : wanted) {
    if (slots_.contains(child))
      continue;
    const auto free = std::ranges::find(used, false);
    *free = true;
    slots_[child] = static_cast<std::uint16_t>(free - used.begin());
  }
  return {};
}

std::uint16_t SlotTable::slot(CgroupId child) const {
  return child == kSelf ? std::uint16_t{FIEF_SLOT_SELF} : slots_.at(child);
}

std::uint32_t SlotTable::write(const LevelPlan& level, fief_state& state) const {
  std::ranges::fill(state.staged_slots, fief_participant{});
  std::uint32_t count = 1;
  for (const auto& participant : level.participants) {
    const std::uint32_t index = slot(participant.cgroup);
    state.staged_slots[index] = {.cgroup_id = participant.cgroup.value,
                                 .entitlement = static_cast<__u32>(participant.entitlement.cpus),
                                 .least = static_cast<__u32>(participant.least),
                                 .most = static_cast<__u32>(participant.most.value_or(0)),
                                 .weight = participant.weight.value_or(0),
                                 .flags = flags_of(participant.lend),
                                 .pad = 0};
    count = std::max(count, index + 1);
  }
  return count;
}

CidSet from_abi(const fief_cidset& set) {
  std::array<std::uint64_t, FIEF_MASK_WORDS> words{};
  std::ranges::copy(set.bits, words.begin());
  return CidSet::from_words(words.data(), words.size());
}

void to_abi(const CidSet& set, fief_cidset& out) {
  std::ranges::fill(out.bits, 0);
  const auto count = std::min<std::size_t>(set.words().size(), FIEF_MASK_WORDS);
  std::copy_n(set.words().begin(), count, std::begin(out.bits));
}

Topology topology_from_state(const fief_state& state) {
  IndexOrOwn core(highest(state, &fief_cid_topo::core));
  IndexOrOwn llc(highest(state, &fief_cid_topo::llc));
  IndexOrOwn node(highest(state, &fief_cid_topo::node));
  IndexOrOwn shard(highest(state, &fief_cid_topo::shard));
  Topology topology;
  topology.cids.reserve(cids_in_use(state));
  for (std::uint32_t cid = 0; cid < cids_in_use(state); ++cid) {
    const fief_cid_topo& from = state.topo[cid];
    topology.cids.push_back({.cid = Cid{cid},
                             .cpu = static_cast<std::uint32_t>(std::max(from.cpu, 0)),
                             .core = core(from.core),
                             .llc = llc(from.llc),
                             .node = node(from.node),
                             .shard = shard(from.shard),
                             .online = from.online != 0});
  }
  return topology;
}

HeldCaps held_from_view(const fief_caps_view& view) {
  HeldCaps held;
  for (std::size_t cap = 0; cap < FIEF_NR_CAPS; ++cap)
    held.by_cap.at(cap) = from_abi(view.held[cap]);
  return held;
}

std::optional<Activity> activity_from(const fief_activity& published) {
  const auto levels = std::min<std::uint32_t>(published.nr_levels, FIEF_ACTIVITY_LEVELS);
  if (levels == 0)
    return std::nullopt;
  Activity activity;
  activity.awake = published.awake != 0;
  activity.active = std::min(1.0, static_cast<double>(published.active) / FIEF_ACTIVITY_UNIT);
  // Outermost first here, innermost first there.
  for (auto level = levels; level-- > 0;)
    activity.others.push_back(static_cast<double>(published.others[level]) * kDefaultWeight /
                              FIEF_WEIGHT_UNIT);
  return activity;
}

void write_op(const GrantOp& op, fief_op& out) {
  out = {};
  out.kind = op.kind;
  out.caps = op.caps;
  out.cgroup_id = op.child.value;
  to_abi(op.cids, out.cids);
}

LevelPlan level_from_state(const fief_state& state) {
  std::map<std::uint32_t, ParticipantPlan> by_slot;
  for (std::uint32_t slot = 0; slot < slots_in_use(state); ++slot) {
    const auto& from = state.slots[slot].participant;
    if (slot != FIEF_SLOT_SELF && from.cgroup_id == 0)
      continue;
    by_slot[slot].cgroup = CgroupId{from.cgroup_id};
    auto& participant = by_slot[slot];
    participant.entitlement.cpus = from.entitlement;
    participant.lend = lend_of(from.flags);
    participant.least = from.least;
    if (from.most != 0)
      participant.most = from.most;
    if (from.weight != 0)
      participant.weight = from.weight;
  }
  LevelPlan level;
  level.scheduler = CgroupId{state.cgroup_id};
  for (std::uint32_t cid = 0; cid < cids_in_use(state); ++cid) {
    const auto& plan = state.cids[cid];
    const auto sharers = std::min<std::uint32_t>(plan.nr, FIEF_MAX_SHARERS);
    if (sharers != 0)
      level.held.insert(Cid{cid});
    for (std::uint32_t i = 0; i < sharers; ++i) {
      const auto found = by_slot.find(plan.share[i].slot);
      if (found == by_slot.end())
        continue;
      if (sharers == 1)
        own_cid(found->second, Cid{cid}, (plan.flags & FIEF_CID_LENT) != 0);
      else
        found->second.shared.push_back({Cid{cid}, plan.share[i].fraction});
    }
  }
  for (auto& [slot, participant] : by_slot)
    level.participants.push_back(std::move(participant));
  std::ranges::sort(level.participants, {}, &ParticipantPlan::cgroup);
  return level;
}

Status write_cid_plans(const LevelPlan& level, const SlotTable& slots, fief_state& state) {
  std::ranges::fill(std::span(state.staged_cids).first(cids_in_use(state)), fief_cid_plan{});
  for (const auto cid : lent_cids(level))
    state.staged_cids[cid.value].flags |= FIEF_CID_LENT;
  for (const auto& participant : level.participants) {
    const auto slot = slots.slot(participant.cgroup);
    for (const auto cid : participant.exclusive)
      if (const auto status = add_share(state.staged_cids[cid.value], cid, slot, kCpuUnit); !status)
        return status;
    for (const auto& [cid, fraction] : participant.shared)
      if (const auto status = add_share(state.staged_cids[cid.value], cid, slot, fraction); !status)
        return status;
  }
  return {};
}

}  // namespace fief
