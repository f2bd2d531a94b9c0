// SPDX-License-Identifier: GPL-2.0-only
// Explanations: collected from the plan first, put in words after.
#include "plan/explain.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "plan/level.hpp"

namespace fief {
namespace {

struct Place {
  const LevelPlan* level = nullptr;
  const ParticipantPlan* participant = nullptr;
};

// Where a scheduler is a child; the root scheduler is found as its own participant.
Place find_place(const Plan& plan, CgroupId cgroup) {
  for (const auto& level : plan.levels)
    if (const auto* found = level.find(cgroup); found != nullptr)
      return {&level, found};
  return {};
}

const CgroupNode* find_node(const CgroupTree& tree, CgroupId id) {
  if (id == kSelf)
    return tree.nodes.empty() ? nullptr : tree.nodes.data();
  const auto at = std::ranges::find(tree.nodes, id, &CgroupNode::id);
  return at == tree.nodes.end() ? nullptr : &*at;
}

std::string path_of(const PlanInput& input, CgroupId id) {
  const auto* node = find_node(input.cgroups, id);
  return node == nullptr ? fmt::format("cgroup {}", id.value) : node->path;
}

// A scheduler's own tasks, as opposed to the scheduler with everything below it.
std::string user_path(const PlanInput& input, const LevelPlan& level, CgroupId cgroup) {
  if (cgroup != kSelf)
    return path_of(input, cgroup);
  return fmt::format("{} itself", path_of(input, level.scheduler));
}

CpuTime time_of(const LevelPlan& level) {
  CpuTime total = 0;
  for (const auto& participant : level.participants)
    total += participant.entitlement.cpus;
  return total;
}

const Delegation* delegation_of(const PlanInput& input, CgroupId cgroup) {
  const bool foreign = std::ranges::any_of(input.attachments, [cgroup](const Attachment& item) {
    return item.cgroup == cgroup && item.foreign;
  });
  const auto* node = find_node(input.cgroups, cgroup);
  if (cgroup == kSelf || foreign || node == nullptr)
    return nullptr;
  const auto at = std::ranges::find(input.policy.delegations, node->path, &Delegation::cgroup);
  return at == input.policy.delegations.end() ? nullptr : &*at;
}

bool confines(const Placement& placement) {
  return std::holds_alternative<PlaceCpus>(placement) ||
         std::holds_alternative<PlaceNodes>(placement);
}

LimitedBy limit_of(const Entitlement& due, const Delegation* delegation) {
  if (delegation != nullptr && delegation->exclusive)
    return LimitedBy::whole;
  // Rounding to units is no limit.
  const auto low = std::min(due.cpus, due.by_weight);
  const auto high = std::max(due.cpus, due.by_weight);
  if (high - low <= 1)
    return LimitedBy::nothing;
  if (due.min && due.cpus == *due.min)
    return LimitedBy::min;
  if (!due.awake && due.by_weight < due.cpus && delegation != nullptr &&
      delegation->scheduler == kLatencyScheduler)
    return LimitedBy::waking;
  if (due.max && due.cpus == *due.max)
    return LimitedBy::max;
  if (due.limit && due.cpus == *due.limit)
    return LimitedBy::limit;
  const bool placed = delegation != nullptr && confines(delegation->placement);
  if ((placed || due.cpuset) && due.cpus < due.by_weight)
    return LimitedBy::confined;
  return LimitedBy::others;
}

void count_span(const PlanInput& input, CgroupExplanation& explanation) {
  std::set<std::uint32_t> llcs;
  std::set<std::uint32_t> nodes;
  const auto add = [&](Cid cid) {
    llcs.insert(input.topology.cids.at(cid.value).llc);
    nodes.insert(input.topology.cids.at(cid.value).node);
  };
  for (const auto cid : explanation.exclusive)
    add(cid);
  for (const auto& share : explanation.shared)
    add(share.cid);
  explanation.llcs = static_cast<std::uint32_t>(llcs.size());
  explanation.nodes = static_cast<std::uint32_t>(nodes.size());
}

std::vector<SlowCpus> slow_cpus(const PlanInput& input, const CgroupExplanation& explanation) {
  std::map<std::uint32_t, SlowCpus, std::greater<>> kinds;
  const auto add = [&](Cid cid, CpuTime time) {
    const auto& info = input.topology.cids.at(cid.value);
    if (info.capacity == kFullCapacity)
      return;
    auto& kind = kinds[info.capacity];
    kind.capacity = info.capacity;
    kind.cpus.insert(Cid{info.cpu});
    kind.time += time;
  };
  for (const auto cid : explanation.exclusive)
    add(cid, kCpuUnit);
  for (const auto& share : explanation.shared)
    add(share.cid, share.fraction);
  std::vector<SlowCpus> slow;
  for (auto& [capacity, kind] : kinds) {
    kind.work = work_in(kind.time, capacity);
    slow.push_back(std::move(kind));
  }
  return slow;
}

CpuTime part_of(const ParticipantPlan& participant, Cid cid) {
  if (participant.exclusive.contains(cid))
    return kCpuUnit;
  const auto at = std::ranges::lower_bound(participant.shared, cid, {}, &SharedCid::cid);
  return at != participant.shared.end() && at->cid == cid ? at->fraction : 0;
}

std::string wish_of(const Delegation* delegation) {
  if (delegation == nullptr)
    return {};
  std::string wish = delegation->exclusive ? ", exclusive" : "";
  if (std::holds_alternative<PlaceSpread>(delegation->placement))
    wish += ", spread over LLCs";
  if (const auto* near = std::get_if<PlaceNear>(&delegation->placement))
    wish += fmt::format(", near {}", near->name);
  if (const auto* place = std::get_if<PlaceCpus>(&delegation->placement))
    wish += fmt::format(", confined to CPUs {}", place->cpus.to_string());
  if (const auto* place = std::get_if<PlaceNodes>(&delegation->placement))
    wish += fmt::format(", confined to nodes {}", place->nodes.to_string());
  return wish;
}

// Why a participant has its part of a cid.
std::string why_used(const ParticipantPlan& participant, CpuTime time, const PlanInput& input) {
  auto wish = wish_of(delegation_of(input, participant.cgroup));
  if (const auto& cpuset = participant.entitlement.cpuset)
    wish += fmt::format(", confined to CPUs {} by its cpuset", cpuset->to_string());
  const auto due = format_cpus(participant.entitlement.cpus);
  const auto wholes = participant.exclusive.size();
  if (time == kCpuUnit)
    return fmt::format("one of {} whole, due {}{}", wholes, due, wish);
  return fmt::format("due {}, {} of it whole{}", due, wholes, wish);
}

CidAtLevel explain_at(const LevelPlan& level, const PlanInput& input, Cid cid) {
  CidAtLevel out;
  out.scheduler = level.scheduler;
  out.path = path_of(input, level.scheduler);
  bool lent = true;
  bool landing = false;
  bool cores = false;
  for (const auto& participant : level.participants) {
    const auto time = part_of(participant, cid);
    if (time == 0)
      continue;
    out.held += time;
    out.users.push_back({participant.cgroup, user_path(input, level, participant.cgroup), time,
                         why_used(participant, time, input)});
    lent &= participant.lend != Lend::nothing;
    cores |= participant.lend == Lend::cores && participant.exclusive.contains(cid);
    landing |= participant.landing.contains(cid);
  }
  if (!lent || landing) {
    out.why_not =
        landing ? "kept free for its owner to wake on (landing_cpus)" : "not all of its users lend";
    return out;
  }
  for (const auto& participant : level.participants)
    if (participant.borrow && part_of(participant, cid) == 0)
      out.may_borrow.push_back({participant.cgroup, user_path(input, level, participant.cgroup), 0,
                                cores ? "lent while its core is idle" : "its users lend"});
  if (out.may_borrow.empty())
    out.why_not = "nobody else borrows";
  return out;
}

std::string_view reason(LimitedBy limit) {
  switch (limit) {
    case LimitedBy::nothing:
      return "by weight";
    case LimitedBy::min:
      return "raised to the least it must have";
    case LimitedBy::max:
      return "cut to max_cpus";
    case LimitedBy::limit:
      return "cut to its limit (cpu.max)";
    case LimitedBy::whole:
      return "rounded to whole CPUs (exclusive)";
    case LimitedBy::confined:
      return "cut to the CPUs it is confined to";
    case LimitedBy::waking:
      return "asleep, with a CPU to wake on";
    case LimitedBy::others:
      return "after the limits of others";
  }
  return "";
}

// What part of the weights counts for nothing, as it belongs to who sleeps or uses less.
std::string sleepers(const WeightStep& step) {
  if (step.awake_weights >= step.sibling_weights)
    return {};
  return fmt::format(", of which {} {}", step.sibling_weights - step.awake_weights,
                     step.awake_weights == step.weight ? "sleep" : "sleep or cannot use it");
}

std::string cpu_count(CpuTime time) {
  return fmt::format("{} {}", format_cpus(time), time == kCpuUnit ? "CPU" : "CPUs");
}

}  // namespace

Result<CgroupExplanation> explain_cgroup(const Plan& plan, const PlanInput& input,
                                         CgroupId cgroup) {
  const auto place = find_place(plan, cgroup);
  if (place.participant == nullptr)
    return fail(Errc::not_found, "{} has no scheduler in this plan", path_of(input, cgroup));
  CgroupExplanation out;
  out.cgroup = cgroup;
  out.path = user_path(input, *place.level, cgroup);
  out.parent = place.level->scheduler;
  out.parent_path = path_of(input, out.parent);
  out.available = time_of(*place.level);
  out.entitlement = place.participant->entitlement;
  out.limited_by = limit_of(out.entitlement, delegation_of(input, cgroup));
  out.exclusive = place.participant->exclusive;
  out.shared = place.participant->shared;
  out.slow = slow_cpus(input, out);
  count_span(input, out);
  return out;
}

Result<CidExplanation> explain_cid(const Plan& plan, const PlanInput& input, Cid cid) {
  if (cid.value >= input.topology.nr_cids())
    return fail(Errc::not_found, "there is no cid {}: they go from 0 to {}", cid.value,
                input.topology.nr_cids() - 1);
  CidExplanation out;
  out.place = input.topology.cids[cid.value];
  for (const auto& level : plan.levels)
    if (level.held.contains(cid))
      out.levels.push_back(explain_at(level, input, cid));
  return out;
}

Result<Explanation> explain(const Plan& plan, const PlanInput& input, std::string_view subject) {
  if (subject.starts_with('/')) {
    const auto node = std::ranges::find(input.cgroups.nodes, subject, &CgroupNode::path);
    if (node == input.cgroups.nodes.end())
      return fail(Errc::not_found, "there is no cgroup {}", subject);
    return explain_cgroup(plan, input, subject == "/" ? kSelf : node->id);
  }
  std::uint32_t cpu = 0;
  const auto* end = subject.data() + subject.size();
  if (const auto parsed = std::from_chars(subject.data(), end, cpu);
      parsed.ec != std::errc{} || parsed.ptr != end)
    return fail(Errc::not_found, "\"{}\" is neither a cgroup's path nor a CPU's number", subject);
  const auto cid = std::ranges::find(input.topology.cids, cpu, &CidInfo::cpu);
  if (cid == input.topology.cids.end())
    return fail(Errc::not_found, "there is no CPU {}", cpu);
  return explain_cid(plan, input, cid->cid);
}

std::string to_text(const Explanation& explanation) {
  return std::visit([](const auto& known) { return to_text(known); }, explanation);
}

std::string to_text(const CgroupExplanation& explanation) {
  std::string text;
  const auto line = std::back_inserter(text);
  const auto& due = explanation.entitlement;
  fmt::format_to(line, "{}: {} of the {} of {}\n", explanation.path, cpu_count(due.cpus),
                 format_cpus(explanation.available), explanation.parent_path);
  for (const auto& step : due.chain)
    fmt::format_to(line, "  {}: weight {} of {}{}\n", step.path, step.weight, step.sibling_weights,
                   sleepers(step));
  if (due.chain.empty())
    fmt::format_to(line, "  keeps what its children are not due\n");
  if (due.nominal != due.by_weight)
    fmt::format_to(line, "  if everybody were busy: {}\n", cpu_count(due.nominal));
  if (!due.awake)
    fmt::format_to(line, "  it sleeps, and gets what it is due as soon as it wakes\n");
  fmt::format_to(line, "  by weight: {}; due: {}, {}\n", cpu_count(due.by_weight),
                 cpu_count(due.cpus), reason(explanation.limited_by));
  if (due.cpuset)
    fmt::format_to(line, "  its cpuset lets it use only CPUs {}\n", due.cpuset->to_string());
  if (due.limit)
    fmt::format_to(line, "  its limit (cpu.max, its own or above it) is {}\n",
                   cpu_count(*due.limit));
  if (!explanation.exclusive.empty())
    fmt::format_to(line, "  owns cids {}\n", explanation.exclusive.to_string());
  for (const auto& share : explanation.shared)
    fmt::format_to(line, "  shares cid {}: {}\n", share.cid.value, cpu_count(share.fraction));
  for (const auto& kind : explanation.slow)
    fmt::format_to(
        line, "  CPU{} {} do{} {:.2f} of the work of the fastest: {} of them count as {}\n",
        kind.cpus.size() == 1 ? "" : "s", kind.cpus.to_string(), kind.cpus.size() == 1 ? "es" : "",
        1.0 * kind.capacity / kFullCapacity, format_cpus(kind.time), format_cpus(kind.work));
  fmt::format_to(line, "  spans {} LLC{}, {} node{}\n", explanation.llcs,
                 explanation.llcs == 1 ? "" : "s", explanation.nodes,
                 explanation.nodes == 1 ? "" : "s");
  return text;
}

std::string to_text(const CidExplanation& explanation) {
  std::string text;
  const auto line = std::back_inserter(text);
  const auto& place = explanation.place;
  fmt::format_to(line, "cid {}: CPU {}, core {}, LLC {}, node {}, shard {}{}{}\n", place.cid.value,
                 place.cpu, place.core, place.llc, place.node, place.shard,
                 place.capacity == kFullCapacity ? "" : fmt::format(", cap {}", place.capacity),
                 place.online ? "" : ", offline");
  for (const auto& level : explanation.levels) {
    const bool owned = level.users.size() == 1;
    fmt::format_to(
        line, "  at {}: {}\n", level.path,
        owned ? fmt::format("owned by {} ({})", level.users.front().path, level.users.front().why)
              : "shared by");
    for (const auto& user : level.users)
      if (!owned)
        fmt::format_to(line, "    {}: {} of {} ({})\n", user.path, format_cpus(user.time),
                       format_cpus(level.held), user.why);
    if (!level.why_not.empty())
      fmt::format_to(line, "    nobody may borrow it: {}\n", level.why_not);
    for (const auto& user : level.may_borrow)
      fmt::format_to(line, "    may be borrowed by {} ({})\n", user.path, user.why);
  }
  return text;
}

}  // namespace fief
