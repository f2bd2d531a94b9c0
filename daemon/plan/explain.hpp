// SPDX-License-Identifier: GPL-2.0-only
// Why the plan is as it is, as data: CLI, D-Bus and journal show the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "plan/plan.hpp"

namespace fief {

/// What turned the amount due by weight into the amount due.
enum class LimitedBy {
  nothing,   ///< due by weight
  min,       ///< min_cpus, or the parent's floor
  max,       ///< max_cpus
  limit,     ///< cpu.max, its own or above it
  whole,     ///< exclusive: rounded to whole CPUs or cores
  confined,  ///< no more CPUs where its placement or cpuset confines it
  waking,    ///< it sleeps, and keeps a CPU to wake on
  others,    ///< limits of others left it more or less
};

/// CPUs of a participant that are not of full capacity, and of one kind.
struct SlowCpus {
  CidSet cpus;  ///< CPU numbers
  std::uint32_t capacity = kFullCapacity;
  CpuTime time = 0;  ///< that it has of them
  CpuTime work = 0;  ///< that this is worth
};

/// From weights to CPUs, for one scheduler.
struct CgroupExplanation {
  CgroupId cgroup;
  std::string path;
  CgroupId parent;  ///< scheduler that hands the CPUs down
  std::string parent_path;
  CpuTime available = 0;  ///< what the parent divides
  Entitlement entitlement;
  LimitedBy limited_by = LimitedBy::nothing;
  CidSet exclusive;
  SharedCids shared;
  std::vector<SlowCpus> slow;  ///< by falling capacity
  std::uint32_t llcs = 0;      ///< spanned
  std::uint32_t nodes = 0;     ///< spanned
};

/// A participant's part of a cid.
struct CidUser {
  CgroupId cgroup;  ///< kSelf: the scheduler's own tasks
  std::string path;
  CpuTime time = 0;  ///< of kCpuUnit
  std::string why;   ///< it has this part, or may borrow
};

/// What one scheduler does with a cid.
struct CidAtLevel {
  CgroupId scheduler;
  std::string path;
  CpuTime held = 0;
  std::vector<CidUser> users;       ///< one: the owner; several: the sharers
  std::vector<CidUser> may_borrow;  ///< when the users leave it idle; time is 0
  std::string why_not;              ///< why nobody may borrow; empty if somebody may
};

struct CidExplanation {
  CidInfo place;
  std::vector<CidAtLevel> levels;  ///< from the root downwards
};

using Explanation = std::variant<CgroupExplanation, CidExplanation>;

/// @p plan made or checked for @p input. Errc::not_found if the cgroup has no scheduler in it.
Result<CgroupExplanation> explain_cgroup(const Plan& plan, const PlanInput& input, CgroupId cgroup);
/// Errc::not_found if there is no such cid.
Result<CidExplanation> explain_cid(const Plan& plan, const PlanInput& input, Cid cid);

/// Of what people name: @p subject is a cgroup's path or a CPU's number. Errc::not_found if there
/// is no such cgroup, scheduler or CPU.
Result<Explanation> explain(const Plan& plan, const PlanInput& input, std::string_view subject);

/// A few lines of text, each ended by a newline.
std::string to_text(const CgroupExplanation& explanation);
std::string to_text(const CidExplanation& explanation);
std::string to_text(const Explanation& explanation);

}  // namespace fief
