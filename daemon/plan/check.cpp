// SPDX-License-Identifier: GPL-2.0-only
// Proves plans. Knows nothing of how they are made: it adds up who has what of each cid.
#include "plan/check.hpp"

#include <algorithm>

#include "plan/due/demand.hpp"
#include "plan/due/entitlement.hpp"

namespace fief {
namespace {

// What a plan does with one cid.
struct Use {
  CpuTime held = 0;
  CpuTime given = 0;
  std::uint32_t owner = kNone;
  std::uint32_t sharers = 0;
};

class LevelCheck {
 public:
  LevelCheck(const LevelPlan& plan, const Level& level, const PlanInput& input)
      : plan_(plan), level_(level), input_(input), uses_(input.topology.cids.size()) {
    for (const auto& held : level.holding.cids) {
      uses_[held.cid.value].held = held.time;
      parts_ += held.time != kCpuUnit ? 1U : 0U;
    }
  }

  Status run() {
    if (auto status = check_members(); !status)
      return status;
    for (std::uint32_t i = 0; i < plan_.participants.size(); ++i)
      if (auto status = check_participant(i); !status)
        return status;
    if (auto status = check_cids(); !status)
      return status;
    return check_cores();
  }

 private:
  [[nodiscard]] std::string_view path(std::uint32_t member) const {
    return level_.members[member].path;
  }

  [[nodiscard]] Status check_members() const {
    CidSet held;
    for (const auto& cid : level_.holding.cids)
      held.insert(cid.cid);
    if (plan_.held != held)
      return fail(Errc::invalid, "plan of {}: divides cids {}, but has {}", level_.path,
                  plan_.held.to_string(), held.to_string());
    if (plan_.participants.size() > input_.limits.participants)
      return fail(Errc::invalid, "plan of {}: {} participants, at most {} are possible",
                  level_.path, plan_.participants.size(), input_.limits.participants);
    const bool same = std::ranges::equal(plan_.participants, level_.members, {},
                                         &ParticipantPlan::cgroup, &Member::cgroup);
    if (!same)
      return fail(Errc::invalid, "plan of {}: is not for the schedulers attached below it",
                  level_.path);
    return {};
  }

  Status check_participant(std::uint32_t member) {
    const auto& part = plan_.participants[member];
    CpuTime work = 0;
    for (const auto cid : part.exclusive) {
      if (auto status = own(member, cid); !status)
        return status;
      work += kCpuUnit * capacity(cid);
    }
    for (const auto& share : part.shared) {
      if (auto status = add_share(member, share); !status)
        return status;
      work += share.fraction * capacity(share.cid);
    }
    if (!(part.landing - part.exclusive).empty())
      return fail(Errc::invalid, "plan: {} is to land on CPUs that are not its own", path(member));
    if (part.perf && !level_.holding.perf)
      return fail(Errc::invalid, "plan: {} is to get the cap perf, which {} does not have",
                  path(member), level_.path);
    const bool ascending = std::ranges::is_sorted(part.shared, std::less_equal{}, &SharedCid::cid);
    if (!ascending && part.shared.size() > 1)
      return fail(Errc::invalid, "plan: the shares of {} are not in order", path(member));
    return check_work(member, work);
  }

  // After the cid has been found to be one.
  [[nodiscard]] CpuTime capacity(Cid cid) const { return input_.topology.cids[cid.value].capacity; }

  Status own(std::uint32_t member, Cid cid) {
    if (cid.value >= uses_.size() || uses_[cid.value].held != kCpuUnit)
      return fail(Errc::invalid, "plan: {} owns cid {}, which {} does not have whole", path(member),
                  cid.value, level_.path);
    auto& use = uses_[cid.value];
    if (use.owner != kNone)
      return fail(Errc::invalid, "plan: cid {} has two owners, {} and {}", cid.value,
                  path(use.owner), path(member));
    use.owner = member;
    use.given += kCpuUnit;
    return check_place(member, cid);
  }

  Status add_share(std::uint32_t member, const SharedCid& share) {
    if (share.cid.value >= uses_.size() || share.fraction == 0 || share.fraction >= kCpuUnit)
      return fail(Errc::invalid, "plan: {} has {}/{} of cid {}, which is no share", path(member),
                  share.fraction, kCpuUnit, share.cid.value);
    if (level_.members[member].whole_only())
      return fail(Errc::invalid, "plan: {} is exclusive but shares cid {}", path(member),
                  share.cid.value);
    auto& use = uses_[share.cid.value];
    use.given += share.fraction;
    if (++use.sharers > input_.limits.sharers)
      return fail(Errc::invalid, "plan: more than {} participants share cid {}",
                  input_.limits.sharers, share.cid.value);
    return check_place(member, share.cid);
  }

  [[nodiscard]] Status check_place(std::uint32_t member, Cid cid) const {
    const auto confinement = level_.members[member].confinement;
    if (confinement != kNone && !level_.confinements[confinement].cids.contains(cid))
      return fail(Errc::invalid, "plan: {} may not use cid {} ({})", path(member), cid.value,
                  confined_by(level_.members[member]));
    return {};
  }

  // What turning work into time loses: less than two units a cell, and one for each cid that is
  // held in part, whose work is rounded up. Nothing where work is time.
  [[nodiscard]] CpuTime rounding() const {
    return level_.cells.empty() ? 0 : 2 * level_.cells.size() + parts_;
  }

  [[nodiscard]] bool is_all_but(CpuTime work, CpuTime due) const {
    const auto slack = rounding() * kFullCapacity;
    return work <= due * kFullCapacity + slack && due * kFullCapacity <= work + slack;
  }

  // @p work in 1/kFullCapacity of a unit.
  [[nodiscard]] Status check_work(std::uint32_t member, CpuTime work) const {
    const auto& wanted = level_.members[member];
    const auto due = plan_.participants[member].entitlement.cpus;
    if (plan_.participants[member].entitlement.cpuset != wanted.cpuset)
      return fail(Errc::invalid, "plan: {} is not said to be confined as its cpuset confines it",
                  path(member));
    if (work == 0)
      return fail(Errc::invalid, "plan: {} has nothing", path(member));
    if (!is_all_but(work, due) || due != wanted.due)
      return fail(Errc::invalid, "plan: {} has {}/{} CPUs, is said to be due {} and is due {}",
                  path(member), work / kFullCapacity, kCpuUnit, due, wanted.due);
    if (due < wanted.least || due > wanted.most)
      return fail(Errc::invalid, "plan: {} CPUs for {} are outside its limits", format_cpus(due),
                  path(member));
    return {};
  }

  [[nodiscard]] Status check_cids() const {
    for (const auto& held : level_.holding.cids) {
      const auto& use = uses_[held.cid.value];
      if (use.owner != kNone && use.sharers != 0)
        return fail(Errc::invalid, "plan: cid {} is owned by {} and shared by others",
                    held.cid.value, path(use.owner));
      if (use.given != use.held)
        return fail(Errc::invalid, "plan: {}/{} of cid {} are handed out, {} has {}", use.given,
                    kCpuUnit, held.cid.value, level_.path, use.held);
    }
    return {};
  }

  // Cores are not divided among owners that do not all allow it. An exclusive or confined
  // delegation may be unable to keep to that (a core with one thread offline, CPUs named by the
  // policy): there the policy has decided.
  [[nodiscard]] Status check_cores() const {
    const auto& cids = input_.topology.cids;
    for (std::size_t i = 1; i < level_.holding.cids.size(); ++i) {
      const auto a = level_.holding.cids[i - 1].cid.value;
      const auto b = level_.holding.cids[i].cid.value;
      if (cids[a].core != cids[b].core)
        continue;
      const auto x = uses_[a].owner;
      const auto y = uses_[b].owner;
      if (x == kNone || y == kNone || x == y || may_divide(x, y))
        continue;
      return fail(Errc::invalid, "plan: {} and {} own threads of one core, cids {} and {}", path(x),
                  path(y), a, b);
    }
    return {};
  }

  [[nodiscard]] bool may_divide(std::uint32_t x, std::uint32_t y) const {
    const auto& a = level_.members[x];
    const auto& b = level_.members[y];
    const auto fixed = [](const Member& m) { return m.whole_only() || m.confinement != kNone; };
    return (a.splits_cores() && b.splits_cores()) || fixed(a) || fixed(b);
  }

  const LevelPlan& plan_;
  const Level& level_;
  const PlanInput& input_;
  std::vector<Use> uses_;
  CpuTime parts_ = 0;  // cids held in part
};

}  // namespace

Status check_level(const LevelPlan& plan, const Level& level, const PlanInput& input) {
  return LevelCheck(plan, level, input).run();
}

Status check_plan(const Plan& plan, const PlanInput& input) {
  auto levels = collect_demands(input);
  if (!levels)
    return tl::unexpected(levels.error());
  if (levels->size() != plan.levels.size())
    return fail(Errc::invalid, "plan: has {} levels, the schedulers attached form {}",
                plan.levels.size(), levels->size());
  for (std::size_t i = 0; i < levels->size(); ++i) {
    auto& level = (*levels)[i];
    if (plan.levels[i].scheduler != level.scheduler)
      return fail(Errc::invalid, "plan: level {} is not that of {}", i, level.path);
    level.holding = holding_of(level, plan.levels, input.topology);
    if (auto status = settle_entitlements(level, input); !status)
      return status;
    if (auto status = check_level(plan.levels[i], level, input); !status)
      return status;
  }
  return {};
}

}  // namespace fief
