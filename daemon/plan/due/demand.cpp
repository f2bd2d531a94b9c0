// SPDX-License-Identifier: GPL-2.0-only
// Weights of the cgroup tree to shares of schedulers, by the rule of cgroup v2.
#include "plan/due/demand.hpp"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <span>
#include <unordered_map>

#include "plan/cpusets.hpp"

namespace fief {
namespace {

// Weights are counted in tenths, so that cpu.idle's 0.3 is a whole number.
constexpr std::uint64_t kTenths = 10;
constexpr std::uint64_t kIdleTenths = 3;

CpuTime to_time(double cpus) {
  return static_cast<CpuTime>(std::llround(cpus * static_cast<double>(kCpuUnit)));
}

// A limit above what any machine has is none.
CpuTime to_limit(const CpuMax& limit) {
  constexpr double kMost = 1U << 15;
  return std::max<CpuTime>(1, to_time(std::min(limit.cpus(), kMost)));
}

// An attachment and where it is in the tree.
struct AttachedNode {
  CgroupId parent;
  CgroupId cgroup;
  std::uint32_t node;
  const Delegation* delegation;
  const Activity* activity;  // of the input; null: nothing is known
};

// The cgroup tree with what the planner needs of it in flat arrays, indexed like its nodes.
class WeighedTree {
 public:
  explicit WeighedTree(const PlanInput& input) : tree_(input.cgroups), cpusets_(input.cgroups) {
    index_ids();
    match_policy(input.policy);
    competing_.assign(tree_.nodes.size(), false);
    weight_.assign(tree_.nodes.size(), 0);
    fixed_.assign(tree_.nodes.size(), 0);
    find_attached(input.attachments);
    mark_competing();
    sum_weights();
  }

  // By the scheduler above, then by cgroup. Those whose cgroup is gone are left out.
  [[nodiscard]] const std::vector<AttachedNode>& attached() const { return attached_; }

  [[nodiscard]] std::uint32_t find(CgroupId id) const {
    if (id == kSelf)
      return tree_.nodes.empty() ? kNone : 0;
    const auto at = std::ranges::lower_bound(ids_, id, {}, &Id::id);
    return at != ids_.end() && at->id == id ? at->node : kNone;
  }

  [[nodiscard]] const CgroupNode& node(std::uint32_t index) const { return tree_.nodes[index]; }

  // The CPU numbers that a cpuset lets it use, if there is one.
  [[nodiscard]] std::optional<CidSet> cpuset(std::uint32_t index) const {
    return cpusets_.of(index);
  }

  // The least cpu.max from @p index up to below @p top, if any of them has one.
  [[nodiscard]] std::optional<CpuTime> limit(std::uint32_t top, std::uint32_t index) const {
    std::optional<CpuTime> least;
    for (auto at = index; at != top && at != 0; at = tree_.nodes[at].parent)
      if (const auto& limit = tree_.nodes[at].limit) {
        const auto cpus = to_limit(*limit);
        least = least ? std::min(*least, cpus) : cpus;
      }
    return least;
  }

  // The steps from below @p top down to @p index, outermost first; empty if it is not below.
  // @p activity: null, or as long as the chain.
  [[nodiscard]] std::vector<WeightStep> chain(std::uint32_t top, std::uint32_t index,
                                              const Activity* activity) const {
    auto left = depth_below(top, index);
    if (!left)
      return {};
    std::vector<WeightStep> steps;
    steps.reserve(*left);
    for (auto at = index; at != top; at = tree_.nodes[at].parent)
      steps.push_back(step(at, activity == nullptr ? nullptr : &activity->others[--*left]));
    std::ranges::reverse(steps);
    return steps;
  }

  // @p activity as far as it fits the way down from @p top: it does not where cgroups have come
  // between since, or have no cpu controller.
  [[nodiscard]] const Activity* fitting(std::uint32_t top, const AttachedNode& child) const {
    const auto depth = depth_below(top, child.node);
    const bool fits = child.activity != nullptr && depth && child.activity->others.size() == *depth;
    return fits ? child.activity : nullptr;
  }

 private:
  struct Id {
    CgroupId id;
    std::uint32_t node;
  };

  // How many levels @p index is below @p top; nothing if it is not.
  [[nodiscard]] std::optional<std::size_t> depth_below(std::uint32_t top,
                                                       std::uint32_t index) const {
    std::size_t depth = 0;
    for (auto at = index; at != top; at = tree_.nodes[at].parent, ++depth)
      if (at == 0)
        return std::nullopt;
    return depth;
  }

  void index_ids() {
    ids_.reserve(tree_.nodes.size());
    for (std::uint32_t i = 0; i < tree_.nodes.size(); ++i)
      ids_.push_back({tree_.nodes[i].id, i});
    if (!std::ranges::is_sorted(ids_, {}, &Id::id))
      std::ranges::sort(ids_, {}, &Id::id);
  }

  void match_policy(const Policy& policy) {
    delegations_.reserve(policy.delegations.size());
    for (const auto& delegation : policy.delegations)
      delegations_.emplace(delegation.cgroup, &delegation);
  }

  // As find(); @p near is where the last one was found. Both lists mostly have the same order.
  [[nodiscard]] std::uint32_t find_from(std::vector<Id>::const_iterator& near, CgroupId id) const {
    if (near != ids_.end() && std::next(near) != ids_.end() && std::next(near)->id == id)
      return (++near)->node;
    near = std::ranges::lower_bound(ids_, id, {}, &Id::id);
    return near != ids_.end() && near->id == id ? near->node : kNone;
  }

  // Sorted, so that equal input in another order is equal; neighbours are then found as neighbours.
  void find_attached(const std::vector<Attachment>& attachments) {
    attached_.reserve(attachments.size());
    auto near = ids_.cbegin();
    for (const auto& attachment : attachments) {
      const auto node = find_from(near, attachment.cgroup);
      if (node != kNone)
        attached_.push_back({attachment.parent, attachment.cgroup, node,
                             attachment.foreign ? nullptr : delegation(node),
                             attachment.activity ? &*attachment.activity : nullptr});
    }
    const auto order = [](const AttachedNode& child) {
      return std::pair(child.parent, child.cgroup);
    };
    if (!std::ranges::is_sorted(attached_, {}, order))
      std::ranges::sort(attached_, {}, order);
  }

  [[nodiscard]] const Delegation* delegation(std::uint32_t index) const {
    if (delegations_.empty())
      return nullptr;
    const auto at = delegations_.find(tree_.nodes[index].path);
    return at == delegations_.end() ? nullptr : at->second;
  }

  // A cgroup with a scheduler competes as soon as that is attached, and so do those above it.
  void mark_competing() {
    for (std::size_t i = 0; i < tree_.nodes.size(); ++i)
      competing_[i] = tree_.nodes[i].populated ? 1 : 0;
    for (const auto& child : attached_) {
      fixed_[child.node] = child.delegation == nullptr ? 0 : child.delegation->weight.value_or(0);
      for (auto at = child.node; at != 0; at = tree_.nodes[at].parent)
        competing_[at] = true;
    }
  }

  void sum_weights() {
    sums_.assign(tree_.nodes.size(), 0);
    tenths_.assign(tree_.nodes.size(), false);
    for (std::size_t i = 1; i < tree_.nodes.size(); ++i) {
      const auto& node = tree_.nodes[i];
      const bool idle = node.idle && fixed_[i] == 0;
      weight_[i] = idle ? kIdleTenths : kTenths * (fixed_[i] != 0 ? fixed_[i] : node.weight);
      if (!competing_[i])
        continue;
      sums_[node.parent] += weight_[i];
      if (idle)
        tenths_[node.parent] = true;
    }
  }

  [[nodiscard]] WeightStep step(std::uint32_t index, const double* others) const {
    const auto& node = tree_.nodes[index];
    const auto unit = tenths_[node.parent] ? 1 : kTenths;
    auto awake = sums_[node.parent];
    if (others != nullptr)
      awake = weight_[index] + static_cast<std::uint64_t>(std::llround(*others * kTenths));
    return {node.id, node.path, weight_[index] / unit, sums_[node.parent] / unit, awake / unit};
  }

  const CgroupTree& tree_;
  Cpusets cpusets_;
  std::vector<Id> ids_;
  std::unordered_map<std::string_view, const Delegation*> delegations_;
  std::vector<AttachedNode> attached_;
  std::vector<char> competing_;        // populated, or holds an attached scheduler
  std::vector<std::uint32_t> fixed_;   // weight from the policy, 0 if none
  std::vector<std::uint64_t> weight_;  // in tenths
  std::vector<std::uint64_t> sums_;    // of the competing children, in tenths
  std::vector<char> tenths_;           // whether an idle child competes
};

double product(const std::vector<WeightStep>& chain, std::uint64_t WeightStep::* of) {
  double share = 1;
  for (const auto& step : chain)
    share *= static_cast<double>(step.weight) / static_cast<double>(step.*of);
  return share;
}

Member make_self(const WeighedTree& tree, std::uint32_t node) {
  Member self;
  self.cgroup = kSelf;
  self.path = tree.node(node).path;
  return self;
}

// Landing CPUs that the policy asks for are there whenever something wakes, so also while all
// sleep.
CpuTime asked_landing(const Delegation* delegation) {
  return delegation == nullptr ? 0 : delegation->landing_cpus.value_or(0) * kCpuUnit;
}

Member make_child(const WeighedTree& tree, std::uint32_t top, const AttachedNode& attached,
                  std::vector<WeightStep> chain) {
  Member child;
  child.cgroup = attached.cgroup;
  child.path = tree.node(attached.node).path;
  child.delegation = attached.delegation;
  child.nominal = product(chain, &WeightStep::sibling_weights);
  child.share = product(chain, &WeightStep::awake_weights);
  child.chain = std::move(chain);
  child.cpuset = tree.cpuset(attached.node);
  if (child.delegation != nullptr && child.delegation->min_cpus)
    child.least = std::max<CpuTime>(1, to_time(*child.delegation->min_cpus));
  child.least = std::max(child.least, asked_landing(child.delegation));
  if (child.delegation != nullptr && child.delegation->max_cpus)
    child.most = std::max<CpuTime>(1, to_time(*child.delegation->max_cpus));
  // What a limit keeps it from using is due to others; what a policy reserves for it stays
  // reserved.
  child.limit = tree.limit(top, attached.node);
  if (child.limit)
    child.most = std::min(child.most, std::max(*child.limit, child.least));
  return child;
}

// The attachments below each scheduler, as ranges of the sorted ones.
using Children = std::span<const AttachedNode>;
using ChildrenOf = std::unordered_map<CgroupId, Children>;

ChildrenOf group_by_parent(Children sorted) {
  ChildrenOf groups;
  while (!sorted.empty()) {
    const auto parent = sorted.front().parent;
    const auto end = std::ranges::find_if(
        sorted, [parent](const AttachedNode& child) { return child.parent != parent; });
    const auto count = static_cast<std::size_t>(end - sorted.begin());
    groups.emplace(parent, sorted.first(count));
    sorted = sorted.subspan(count);
  }
  return groups;
}

// Whether its CPUs are its own also while it sleeps: nobody else could use them.
bool keeps_asleep(const Delegation* delegation) {
  return delegation != nullptr && (delegation->exclusive || delegation->lend == Lend::nothing);
}

// What doubles lose in adding up shares.
constexpr double kRounding = 1e-9;

// What everybody is due of a level, by weight. A child that sleeps is due nothing until it wakes,
// when the schedulers give it its time at once and the next plan its CPUs. One that wants to run
// for short times only, again and again, is due what its weight is worth beside the others: so
// these add up to more than there is, and are scaled. @p active: what children take of the time,
// by the part of it in which they want to run.
void share_out(Level& level, double active) {
  auto& self = level.members[0];
  self.share = std::max(0.0, 1.0 - active);
  double sum = 0;
  double nominal = 0;
  for (auto& member : level.members) {
    if (!member.awake && !keeps_asleep(member.delegation))
      member.share = 0;
    sum += member.share;
    nominal += member.nominal;
  }
  self.nominal = std::max(0.0, 1.0 - nominal);
  // All but exact where nothing is known of anybody, and left as it is.
  if (std::abs(sum - 1.0) < kRounding)
    return;
  for (auto& member : level.members)
    member.share = sum > 0 ? member.share / sum : member.nominal;
}

Level make_level(const WeighedTree& tree, CgroupId scheduler, Children children) {
  Level level;
  const auto top = tree.find(scheduler);
  level.scheduler = scheduler;
  level.path = tree.node(top).path;
  level.members.reserve(children.size() + 1);
  level.members.push_back(make_self(tree, top));
  double active = 0;
  for (const auto& child : children) {
    const auto* activity = tree.fitting(top, child);
    auto chain = tree.chain(top, child.node, activity);
    if (chain.empty())
      continue;
    level.members.push_back(make_child(tree, top, child, std::move(chain)));
    auto& member = level.members.back();
    member.awake = activity == nullptr || activity->awake;
    active += member.share * (activity == nullptr ? 1.0 : activity->active);
  }
  share_out(level, active);
  return level;
}

// Whoever has members of its own needs a unit of time for each of them.
void reserve_for_descendants(std::vector<Level>& levels) {
  std::unordered_map<CgroupId, CpuTime> units;
  for (auto& level : levels | std::views::reverse) {
    CpuTime sum = 0;
    for (auto& member : level.members) {
      const auto below = member.cgroup == kSelf ? units.end() : units.find(member.cgroup);
      if (below != units.end())
        member.least = std::max(member.least, below->second);
      sum += below != units.end() ? below->second : 1;
    }
    units[level.scheduler] = sum;
  }
}

}  // namespace

Result<std::vector<Level>> collect_demands(const PlanInput& input) {
  if (input.cgroups.nodes.empty())
    return fail(Errc::stale, "the cgroup tree has no root to plan for");
  const WeighedTree tree(input);
  const auto groups = group_by_parent(tree.attached());
  const auto at_root = groups.find(kSelf);
  std::vector<Level> levels;
  levels.push_back(make_level(tree, kSelf, at_root == groups.end() ? Children{} : at_root->second));
  // Breadth first: levels grows while it is walked, so no reference into it is kept.
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i].members.size() > input.limits.participants)
      return fail(Errc::infeasible,
                  "{} has {} participants with the scheduler itself; a scheduler can have at most "
                  "{}",
                  levels[i].path, levels[i].members.size(), input.limits.participants);
    for (std::size_t m = 1; groups.size() > 1 && m < levels[i].members.size(); ++m) {
      const auto children = groups.find(levels[i].members[m].cgroup);
      if (children == groups.end())
        continue;
      auto below = make_level(tree, children->first, children->second);
      if (below.members.size() > 1)
        levels.push_back(std::move(below));
    }
  }
  reserve_for_descendants(levels);
  return levels;
}

}  // namespace fief
