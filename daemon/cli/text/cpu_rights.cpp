// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/cpu_rights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "cli/text/table.hpp"
#include "status/json_values.hpp"
#include "status/view_facts.hpp"

namespace fief::cli {
namespace {

constexpr int kSchema = 1;

void add_rights(CpuRights& rights, Cid cid, const SchedulerView& view) {
  if (held_exclusive(view).contains(cid))
    rights.users.push_back({view.path, 1});
  for (const auto& part : held_shared(view))
    if (part.cid == cid)
      rights.users.push_back({view.path, to_cpus(part.fraction)});
  // Its own tasks stand above every borrower: the root need not borrow.
  if (!is_root(view) && borrowable(view).contains(cid))
    rights.borrows.push_back(view.path);
}

std::string user_text(const CpuUser& user, bool is_alone) {
  return is_alone ? user.path : fmt::format("{:.0f}% {}", user.fraction * 100, user.path);
}

std::string users_text(const CpuRights& rights) {
  std::vector<std::string> parts;
  parts.reserve(rights.users.size());
  for (const auto& user : rights.users)
    parts.push_back(user_text(user, rights.users.size() == 1));
  return fmt::format("{}", fmt::join(parts, ", "));
}

json::Json write(const std::vector<CpuUser>& users) {
  auto list = json::Json::array();
  for (const auto& user : users)
    list.push_back({{"cgroup", user.path}, {"fraction", user.fraction}});
  return list;
}

json::Json write(const CidInfo& place) {
  return {{"cid", place.cid.value},
          {"core", place.core},
          {"llc", place.llc},
          {"node", place.node},
          {"online", place.online}};
}

std::vector<CpuUser> planned_users(const MapCell& cell, const CpuMap& plan) {
  std::vector<CpuUser> users;
  users.reserve(cell.parts.size());
  for (const auto& part : cell.parts)
    users.push_back({plan.parties[part.party].cgroup, to_cpus(part.time)});
  return users;
}

}  // namespace

std::vector<CpuRights> cpu_rights(const StatusView& status) {
  std::vector<CpuRights> map;
  for (std::uint32_t number = 0; number < status.cpu_of_cid.size(); ++number) {
    CpuRights rights{.cpu = status.cpu_of_cid[number], .users = {}, .borrows = {}};
    for (const auto& view : status.schedulers)
      add_rights(rights, Cid{number}, view);
    if (rights.users.empty())
      rights.users.push_back({"/", 1});
    map.push_back(std::move(rights));
  }
  std::ranges::sort(map, {}, &CpuRights::cpu);
  return map;
}

std::string render_cpu_rights(const std::vector<CpuRights>& map, const Style& style) {
  struct Run {
    CidSet cpus;  // a set of numbers, written as the kernel writes them
    const CpuRights* rights;
  };
  std::vector<Run> runs;
  for (const auto& rights : map) {
    const auto same = std::ranges::find_if(runs, [&rights](const Run& run) {
      return run.rights->users == rights.users && run.rights->borrows == rights.borrows;
    });
    if (same == runs.end())
      runs.push_back({CidSet{rights.cpu}, &rights});
    else
      same->cpus.insert(Cid{rights.cpu});
  }
  Table table({{"CPUS", false, true}, {"BELONG TO", false, true}, {"MAY BORROW", false, true}});
  for (const auto& run : runs)
    table.add_row(
        {{run.cpus.to_string(), Paint::bold},
         {users_text(*run.rights)},
         {run.rights->borrows.empty() ? "nobody"
                                      : fmt::format("{}", fmt::join(run.rights->borrows, ", ")),
          Paint::dim}});
  return table.render(style);
}

std::string to_json(const std::vector<CpuRights>& map, const CpuMap& plan, int indent) {
  auto cpus = json::Json::array();
  for (const auto& rights : map) {
    json::Json cpu{
        {"cpu", rights.cpu}, {"users", write(rights.users)}, {"may_borrow", rights.borrows}};
    const auto cell = std::ranges::find_if(
        plan.cells, [&rights](const MapCell& known) { return known.place.cpu == rights.cpu; });
    if (cell != plan.cells.end()) {
      cpu.update(write(cell->place));
      cpu["planned"] = write(planned_users(*cell, plan));
    }
    cpus.push_back(std::move(cpu));
  }
  return json::to_text({{"schema", kSchema}, {"cpus", std::move(cpus)}}, indent);
}

}  // namespace fief::cli
