// SPDX-License-Identifier: GPL-2.0-only
// Joins the steps that place one level.
#include "plan/placement/place.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "plan/check.hpp"
#include "plan/due/cells.hpp"
#include "plan/due/confine.hpp"
#include "plan/due/whole_cpus.hpp"
#include "plan/placement/layout.hpp"
#include "plan/placement/owners.hpp"
#include "plan/placement/packing.hpp"

namespace fief {
namespace {

std::optional<CpuTime> policy_limit(const std::optional<double>& cpus) {
  if (!cpus)
    return std::nullopt;
  return static_cast<CpuTime>(std::lround(*cpus * static_cast<double>(kCpuUnit)));
}

void outline(ParticipantPlan& plan, Member& member, bool perf) {
  plan.cgroup = member.cgroup;
  plan.entitlement.cpus = member.due;
  plan.entitlement.by_weight = member.by_weight;
  plan.entitlement.nominal = member.nominal_time;
  plan.entitlement.awake = member.awake;
  plan.entitlement.chain = std::move(member.chain);
  plan.entitlement.cpuset = member.cpuset;
  plan.entitlement.limit = member.limit;
  if (member.most != kUnlimited)
    plan.most = member.most;
  if (member.cgroup == kSelf) {
    plan.entitlement.min = member.least;
    plan.least = member.least;
  }
  if (member.delegation == nullptr)
    return;
  const auto& policy = *member.delegation;
  plan.least = policy.min_cpus ? member.least : 0;
  plan.weight = policy.weight;
  plan.entitlement.min = policy_limit(policy.min_cpus);
  plan.entitlement.max = policy_limit(policy.max_cpus);
  plan.lend = policy.exclusive ? Lend::nothing : policy.lend;
  plan.borrow = policy.borrow;
  plan.perf = perf && policy.perf;
}

// Who has a core that two owners may not divide: its threads are shared by them instead.
class CoreSharing {
 public:
  CoreSharing(const Level& level, const Layout& layout, std::vector<std::uint32_t>& owner)
      : level_(level), layout_(layout), owner_(owner) {}

  void run(std::vector<Share>& shares) {
    if (layout_.threads == 1)
      return;
    for (const auto& core : layout_.cores)
      if (is_divided(core))
        share_core(core, shares);
  }

 private:
  // An exclusive member shares nothing, and a confined one cannot leave its cids: their cores stay
  // as the policy has made them.
  [[nodiscard]] bool is_fixed(std::uint32_t who) const {
    return who >= level_.members.size() || level_.members[who].whole_only() ||
           level_.members[who].confinement != kNone;
  }

  [[nodiscard]] bool is_divided(const Layout::Core& core) const {
    auto first = kNone;
    bool several = false;
    bool together = false;
    for (auto at = core.begin; at < core.end; ++at) {
      const auto who = owner_[at];
      if (who == kNone)
        continue;
      if (is_fixed(who))
        return false;
      several |= first != kNone && who != first;
      together |= !level_.members[who].splits_cores();
      first = who;
    }
    return several && together;
  }

  struct Part {
    std::uint32_t member;
    CpuTime left;
  };

  // Each owner gets the same part of every thread; the last thread takes what rounding has left.
  void share_core(const Layout::Core& core, std::vector<Share>& shares) {
    std::vector<std::uint32_t> threads;
    std::vector<Part> parts;
    for (auto at = core.begin; at < core.end; ++at) {
      if (owner_[at] == kNone)
        continue;
      threads.push_back(at);
      const auto part = std::ranges::find(parts, owner_[at], &Part::member);
      if (part == parts.end())
        parts.push_back({owner_[at], kCpuUnit});
      else
        part->left += kCpuUnit;
    }
    for (std::size_t i = 0; i < threads.size(); ++i) {
      divide_thread(threads[i], threads.size() - i, parts, shares);
      owner_[threads[i]] = kNone;
    }
  }

  void divide_thread(std::uint32_t position, std::size_t threads_left, std::vector<Part>& parts,
                     std::vector<Share>& shares) const {
    CpuTime given = 0;
    std::vector<CpuTime> fractions;
    for (const auto& part : parts) {
      fractions.push_back(part.left / threads_left);
      given += fractions.back();
    }
    for (std::size_t i = 0; given < kCpuUnit; i = (i + 1) % parts.size())
      if (fractions[i] < parts[i].left) {
        ++fractions[i];
        ++given;
      }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parts[i].left -= fractions[i];
      if (fractions[i] > 0)
        shares.push_back({parts[i].member, layout_.cids[position], fractions[i]});
    }
  }

  const Level& level_;
  const Layout& layout_;
  std::vector<std::uint32_t>& owner_;
};

std::uint32_t confinement_at(const Level& level, Cid cid) {
  for (std::uint32_t c = 0; c < level.confinements.size(); ++c)
    if (level.confinements[c].cids.contains(cid))
      return c;
  return kNone;
}

std::vector<Bin> make_bins(const Level& level, const Layout& layout,
                           const std::vector<std::uint32_t>& owner) {
  const auto members = static_cast<std::uint32_t>(level.members.size());
  std::vector<Bin> bins;
  bins.reserve(layout.parts.size() + owner.size());
  for (const auto& part : layout.parts)
    bins.push_back({part.cid, part.time, confinement_at(level, part.cid)});
  for (std::uint32_t at = 0; at < owner.size(); ++at)
    if (owner[at] == kNone)
      bins.push_back({layout.cids[at], kCpuUnit, kNone});
    else if (owner[at] >= members)
      bins.push_back({layout.cids[at], kCpuUnit, owner[at] - members});
  if (!layout.parts.empty())
    std::ranges::sort(bins, {}, &Bin::cid);
  return bins;
}

// Where each member's shares should lie: on the cids it shared before; else on one it had alone;
// else beside what it has.
class Homes {
 public:
  Homes(const Level& level, const Layout& layout, const Before& before,
        const std::vector<std::uint32_t>& owner, const std::vector<Bin>& bins)
      : before_(before) {
    constexpr Cid kNowhere{kNone};
    home_.assign(level.members.size(), kNowhere);
    is_bin_.assign(layout.position_of.size(), 0);
    for (const auto& bin : bins)
      is_bin_[bin.cid.value] = 1;
    for (std::uint32_t at = 0; at < owner.size(); ++at)
      if (owner[at] < home_.size() && home_[owner[at]] == kNowhere)
        home_[owner[at]] = layout.cids[at];
    for (auto at = layout.size(); at-- > 0;)
      if (before.owner[at] != kNone && is_bin_[layout.cids[at].value] != 0)
        home_[before.owner[at]] = layout.cids[at];
  }

  [[nodiscard]] Item item(std::uint32_t member, CpuTime size, std::uint32_t confinement) const {
    Item item{member, size, confinement, home_[member], home_[member]};
    bool first = true;
    for (const auto& share : before_.shares[member]) {
      if (share.cid.value >= is_bin_.size() || is_bin_[share.cid.value] == 0)
        continue;
      item.first = first ? share.cid : item.first;
      item.last = share.cid;
      first = false;
    }
    return item;
  }

 private:
  const Before& before_;
  std::vector<Cid> home_;
  std::vector<char> is_bin_;  // by cid
};

std::vector<Item> make_items(const Level& level, const Wholes& wholes, const Homes& homes) {
  std::vector<Item> items;
  items.reserve(wholes.rest.size());
  for (std::uint32_t i = 0; i < wholes.rest.size(); ++i)
    if (wholes.rest[i] > 0)
      items.push_back(homes.item(i, wholes.rest[i], level.members[i].confinement));
  return items;
}

// A cid that one member has all the time of is its own, not shared.
void claim_filled(const Layout& layout, std::vector<Share>& shares,
                  std::vector<std::uint32_t>& owner) {
  std::erase_if(shares, [&](const Share& share) {
    const auto at = layout.find(share.cid);
    if (at == kNone || share.fraction != kCpuUnit)
      return false;
    owner[at] = share.member;
    return true;
  });
}

void fill(LevelPlan& plan, const Layout& layout, const std::vector<std::uint32_t>& owner,
          std::vector<Share> shares) {
  for (std::uint32_t at = 0; at < owner.size(); ++at)
    if (owner[at] < plan.participants.size())
      plan.participants[owner[at]].exclusive.insert(layout.cids[at]);
  if (!std::ranges::is_sorted(shares, {}, &Share::cid))
    std::ranges::sort(shares, {}, &Share::cid);
  for (const auto& share : shares)
    plan.participants[share.member].shared.push_back({share.cid, share.fraction});
}

// Who is to be placed where. The members may be parts of the plan's participants: origin tells of
// which; null where they are the participants.
struct Task {
  const Level& level;
  const Layout& layout;
  const Before& before;
  const std::vector<std::uint32_t>* origin;
};

// Cids that a confinement shares are bins already.
void join_parts(const std::vector<std::uint32_t>& origin, std::vector<std::uint32_t>& owner,
                std::vector<Share>& shares) {
  for (auto& who : owner)
    who = who < origin.size() ? origin[who] : kNone;
  for (auto& share : shares)
    share.member = origin[share.member];
}

Status place_members(LevelPlan& plan, const Task& task, const PlanInput& input) {
  const auto& [level, layout, before, origin] = task;
  const auto wholes = split_dues(level, layout, input.limits.sharers);
  auto owner = choose_owners(level, layout, wholes, before);
  if (!owner)
    return tl::unexpected(owner.error());
  const auto bins = make_bins(level, layout, *owner);
  const Homes homes(level, layout, before, *owner, bins);
  auto shares = pack_shares(bins, make_items(level, wholes, homes), input.limits.sharers);
  if (!shares)
    return tl::unexpected(shares.error());
  claim_filled(layout, *shares, *owner);
  CoreSharing(level, layout, *owner).run(*shares);
  if (origin != nullptr)
    join_parts(*origin, *owner, *shares);
  fill(plan, layout, *owner, std::move(*shares));
  return {};
}

bool is_due_the_same(const LevelPlan& plan, const LevelPlan& previous) {
  return plan.held == previous.held &&
         std::ranges::equal(plan.participants, previous.participants,
                            [](const ParticipantPlan& now, const ParticipantPlan& before) {
                              return now.cgroup == before.cgroup &&
                                     now.entitlement.cpus == before.entitlement.cpus;
                            });
}

// CPUs of one kind.
Status place_kind(LevelPlan& plan, const Level& level, const Past& past, const PlanInput& input) {
  const auto layout = make_layout(level.holding, input.topology);
  const auto before = read_before(level, layout, past, input);
  const auto unlocked = unlock_confinements(level, layout, before);
  if (!unlocked)
    return tl::unexpected(unlocked.error());
  if (!*unlocked)
    return place_members(plan, {level, layout, before, nullptr}, input);
  return place_members(
      plan, {(**unlocked).level, layout, (**unlocked).before, &(**unlocked).origin}, input);
}

}  // namespace

LevelPlan outline_plan(Level& level) {
  LevelPlan plan;
  plan.scheduler = level.scheduler;
  for (const auto& held : level.holding.cids)
    plan.held.insert(held.cid);
  plan.borrowed = level.holding.borrowed;
  plan.participants.resize(level.members.size());
  for (std::size_t i = 0; i < level.members.size(); ++i)
    outline(plan.participants[i], level.members[i], level.holding.perf);
  return plan;
}

bool keep_previous(LevelPlan& plan, const Level& level, const LevelPlan* previous,
                   const PlanInput& input) {
  if (previous == nullptr || !is_due_the_same(plan, *previous))
    return false;
  for (std::size_t i = 0; i < plan.participants.size(); ++i) {
    plan.participants[i].exclusive = previous->participants[i].exclusive;
    plan.participants[i].shared = previous->participants[i].shared;
  }
  const bool preferred = level.cells.empty() || follows_preferences(level, plan);
  if (preferred && check_level(plan, level, input))
    return true;
  for (auto& participant : plan.participants) {
    participant.exclusive = {};
    participant.shared.clear();
  }
  return false;
}

Status place_level(LevelPlan& plan, const Level& level, const Past& past, const PlanInput& input) {
  if (level.cells.empty())
    return place_kind(plan, level, past, input);
  for (const auto& kind : cut_by_kind(level, past.level, input.limits.sharers))
    if (auto status = place_kind(plan, kind, past, input); !status)
      return status;
  for (auto& participant : plan.participants)
    std::ranges::sort(participant.shared, {}, &SharedCid::cid);
  return {};
}

}  // namespace fief
