// SPDX-License-Identifier: GPL-2.0-only
// The plan in force and its memory, by position and member.
#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "plan/placement/memory.hpp"
#include "plan/placement/owners.hpp"

namespace fief {
namespace {

class Reader {
 public:
  Reader(const Level& level, const Layout& layout) : level_(level), layout_(layout) {
    before_.owner.assign(layout.size(), kNone);
    before_.shared.assign(layout.size(), 0);
    before_.home.assign(layout.size(), kNone);
    before_.shares.resize(level.members.size());
  }

  void read_plan(const LevelPlan& previous) {
    std::uint32_t member = 0;
    newcomer_.assign(level_.members.size(), 1);
    for (const auto& participant : previous.participants) {
      // Both lists ascend by cgroup.
      while (member < level_.members.size() && level_.members[member].cgroup < participant.cgroup)
        ++member;
      for (const auto& share : participant.shared)
        if (const auto at = layout_.find(share.cid); at != kNone)
          before_.shared[at] = 1;
      if (member < level_.members.size() && level_.members[member].cgroup == participant.cgroup)
        read_participant(participant, member);
    }
  }

  void read_memory(const LevelMemory& memory, Instant now) {
    for (const auto& use : memory.uses)
      if (const auto at = layout_.find(use.cid); at != kNone && on_loan(use.since, now))
        before_.home[at] = use.owner ? find_member(*use.owner) : kPool;
    if (!memory.places.empty())
      restore_newcomers(memory);
  }

  Before take() { return std::move(before_); }

 private:
  void read_participant(const ParticipantPlan& participant, std::uint32_t member) {
    for (const auto cid : participant.exclusive)
      if (const auto at = layout_.find(cid); at != kNone)
        before_.owner[at] = member;
    before_.shares[member] = {participant.shared.data(), participant.shared.size()};
    newcomer_[member] = 0;
  }

  [[nodiscard]] std::uint32_t find_member(CgroupId cgroup) const {
    const auto at = std::ranges::lower_bound(level_.members, cgroup, {}, &Member::cgroup);
    return at != level_.members.end() && at->cgroup == cgroup
               ? static_cast<std::uint32_t>(at - level_.members.begin())
               : kNone;
  }

  // Who was here before, by its path, finds its place as far as that is free; who left last has the
  // last word.
  void restore_newcomers(const LevelMemory& memory) {
    std::unordered_map<std::string_view, std::uint32_t> newcomers;
    for (std::uint32_t member = 1; member < level_.members.size(); ++member)
      if (newcomer_[member] != 0)
        newcomers.emplace(level_.members[member].path, member);
    for (const auto& place : memory.places) {
      const auto found = newcomers.find(place.path);
      if (found == newcomers.end())
        continue;
      set_home(place.exclusive, found->second);
      set_home(place.shared, kPool);
    }
  }

  void set_home(const CidSet& cids, std::uint32_t home) {
    for (const auto cid : cids)
      if (const auto at = layout_.find(cid); at != kNone)
        before_.home[at] = home;
  }

  const Level& level_;
  const Layout& layout_;
  Before before_;
  std::vector<char> newcomer_;  // by member: not in the plan in force
};

}  // namespace

Before read_before(const Level& level, const Layout& layout, const Past& past,
                   const PlanInput& input) {
  Reader reader(level, layout);
  if (past.level != nullptr)
    reader.read_plan(*past.level);
  if (past.level != nullptr && past.memory != nullptr)
    reader.read_memory(*past.memory, input.now);
  return reader.take();
}

}  // namespace fief
