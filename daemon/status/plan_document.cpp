// SPDX-License-Identifier: GPL-2.0-only
#include "status/plan_document.hpp"

#include <stdexcept>

#include "status/explain_json.hpp"

namespace fief {
namespace {

using json::Json;

constexpr char kRootPath[] = "/";

// The capacity only where it is not full: most machines have one kind of CPUs.
Json write(const CidInfo& cid) {
  Json json{{"cid", cid.cid.value}, {"cpu", cid.cpu},     {"core", cid.core},    {"llc", cid.llc},
            {"node", cid.node},     {"shard", cid.shard}, {"online", cid.online}};
  if (cid.capacity != kFullCapacity)
    json["capacity"] = cid.capacity;
  return json;
}

std::uint32_t read_capacity(const Json& json) {
  const auto capacity = json.value("capacity", kFullCapacity);
  if (capacity < 1 || capacity > kFullCapacity)
    throw std::invalid_argument(
        fmt::format("capacity {} is not from 1 to {}", capacity, kFullCapacity));
  return capacity;
}

CidInfo read_cid(const Json& json) {
  return {.cid = Cid{json.at("cid").get<std::uint32_t>()},
          .cpu = json.at("cpu").get<std::uint32_t>(),
          .core = json.at("core").get<std::uint32_t>(),
          .llc = json.at("llc").get<std::uint32_t>(),
          .node = json.at("node").get<std::uint32_t>(),
          .shard = json.value("shard", 0U),
          .online = json.value("online", true),
          .capacity = read_capacity(json)};
}

Json write(const CgroupNode& node) {
  Json json{{"cgroup", node.path},
            {"weight", node.weight},
            {"idle", node.idle},
            {"populated", node.populated}};
  if (node.cpus)
    json["cpuset"] = node.cpus->to_string();
  if (node.limit)
    json["cpu_max"] =
        Json{{"quota_us", node.limit->quota_us}, {"period_us", node.limit->period_us}};
  return json;
}

// The scheduler of a level and its own part go by the root scheduler's path where they are kSelf.
std::string path_of(const CgroupTree& cgroups, CgroupId id) {
  const auto* node = id == kSelf ? nullptr : cgroups.find(id);
  return node != nullptr ? node->path : kRootPath;
}

// As the policy has it.
Json write(Lend lend) {
  return lend == Lend::cores ? Json("cores") : Json(lend == Lend::cpus);
}
Lend read_lend(const Json& json) {
  if (json.is_string())
    return Lend::cores;
  return json.get<bool>() ? Lend::cpus : Lend::nothing;
}

Json write(const ParticipantPlan& participant, const std::string& path) {
  return {{"cgroup", path},
          {"self", participant.cgroup == kSelf},
          {"entitlement", json::write(participant.entitlement)},
          {"exclusive", participant.exclusive.to_string()},
          {"shared", json::write(participant.shared)},
          {"lend", write(participant.lend)},
          {"landing", participant.landing.to_string()},
          {"borrow", participant.borrow},
          {"perf", participant.perf}};
}

Json write(const LevelPlan& level, const CgroupTree& cgroups) {
  const auto scheduler = path_of(cgroups, level.scheduler);
  auto participants = Json::array();
  for (const auto& participant : level.participants)
    participants.push_back(write(participant, participant.cgroup == kSelf
                                                  ? scheduler
                                                  : path_of(cgroups, participant.cgroup)));
  return {{"scheduler", scheduler},
          {"held", level.held.to_string()},
          {"participants", std::move(participants)}};
}

ParticipantPlan read_participant(const Json& json, CgroupId cgroup) {
  return {.cgroup = cgroup,
          .entitlement = json::read_entitlement(json.at("entitlement")),
          .exclusive = json::read_cids(json.at("exclusive")),
          .shared = json::read_shared(json.at("shared")),
          .lend = read_lend(json.at("lend")),
          .landing = json::read_cids(json.value("landing", Json(""))),
          .borrow = json.at("borrow").get<bool>(),
          .perf = json.at("perf").get<bool>()};
}

const CgroupNode* find(const CgroupTree& cgroups, const Json& path) {
  return cgroups.find(path.get_ref<const std::string&>());
}

// What the next plan is to know of the past: cids that changed hands, and places of those who left.
Json write(const LevelMemory& memory, const CgroupTree& cgroups) {
  auto uses = Json::array();
  for (const auto& use : memory.uses) {
    const auto owner = use.owner.value_or(kSelf);
    uses.push_back({{"cid", use.cid.value},
                    {"owner", path_of(cgroups, owner == kSelf ? memory.scheduler : owner)},
                    {"self", owner == kSelf},
                    {"was_shared", !use.owner},
                    {"since", use.since.count()}});
  }
  auto places = Json::array();
  for (const auto& place : memory.places)
    places.push_back({{"cgroup", place.path},
                      {"exclusive", place.exclusive.to_string()},
                      {"shared", place.shared.to_string()}});
  return {{"changed", std::move(uses)}, {"left", std::move(places)}};
}

LevelMemory read_memory(const Json& json, const CgroupTree& cgroups, CgroupId scheduler) {
  LevelMemory memory;
  memory.scheduler = scheduler;
  for (const auto& entry : json.at("changed")) {
    const auto* node = find(cgroups, entry.at("owner"));
    if (node == nullptr)
      continue;
    FormerUse use{Cid{entry.at("cid").get<std::uint32_t>()},
                  entry.at("self").get<bool>() ? kSelf : node->id,
                  Instant{entry.at("since").get<std::int64_t>()}};
    if (entry.at("was_shared").get<bool>())
      use.owner.reset();
    memory.uses.push_back(use);
  }
  for (const auto& entry : json.at("left"))
    memory.places.push_back({entry.at("cgroup").get<std::string>(),
                             json::read_cids(entry.at("exclusive")),
                             json::read_cids(entry.at("shared"))});
  return memory;
}

// Participants whose cgroup is no longer there have left their place.
void note_left(const Json& level, const CgroupTree& cgroups, LevelMemory& memory) {
  for (const auto& entry : level.at("participants")) {
    if (find(cgroups, entry.at("cgroup")) != nullptr)
      continue;
    auto& place = memory.places.emplace_back(FormerPlace{
        entry.at("cgroup").get<std::string>(), json::read_cids(entry.at("exclusive")), {}});
    for (const auto& share : json::read_shared(entry.at("shared")))
      place.shared.insert(share.cid);
  }
}

LevelPlan read_level(const Json& json, const CgroupTree& cgroups, CgroupId scheduler) {
  LevelPlan level{scheduler, json::read_cids(json.at("held")), {}};
  for (const auto& entry : json.at("participants")) {
    if (entry.at("self").get<bool>())
      level.participants.push_back(read_participant(entry, kSelf));
    else if (const auto* node = find(cgroups, entry.at("cgroup")))
      level.participants.push_back(read_participant(entry, node->id));
  }
  return level;
}

Plan read_plan(const Json& json, const CgroupTree& cgroups) {
  Plan plan;
  for (const auto& entry : json.at("levels")) {
    const auto* node = find(cgroups, entry.at("scheduler"));
    if (node == nullptr)
      continue;
    const auto scheduler = node->path == kRootPath ? kSelf : node->id;
    plan.levels.push_back(read_level(entry, cgroups, scheduler));
    plan.memory.push_back(entry.contains("memory")
                              ? read_memory(entry.at("memory"), cgroups, scheduler)
                              : LevelMemory{scheduler, {}, {}});
    note_left(entry, cgroups, plan.memory.back());
  }
  return plan;
}

Topology read_topology_member(const Json& json) {
  Topology topology;
  for (const auto& entry : json.at("cids")) {
    topology.cids.push_back(read_cid(entry));
    if (topology.cids.back().cid.value != topology.cids.size() - 1)
      throw std::invalid_argument("cids must be listed in order, from 0");
  }
  if (topology.cids.empty())
    throw std::invalid_argument("there is no cid");
  return topology;
}

CpuMax read_limit(const Json& json) {
  const CpuMax limit{.quota_us = json.at("quota_us").get<std::uint64_t>(),
                     .period_us = json.at("period_us").get<std::uint64_t>()};
  if (limit.period_us == 0)
    throw std::invalid_argument("the period of a cpu_max is 0");
  return limit;
}

std::vector<NamedCgroup> read_cgroups_member(const Json& json) {
  std::vector<NamedCgroup> cgroups;
  for (const auto& entry : json) {
    cgroups.push_back({.path = entry.at("cgroup").get<std::string>(),
                       .id = kSelf,
                       .weight = entry.value("weight", kDefaultWeight),
                       .idle = entry.value("idle", false),
                       .populated = entry.value("populated", true)});
    if (entry.contains("cpuset"))
      cgroups.back().cpus = json::read_cids(entry.at("cpuset"));
    if (entry.contains("cpu_max"))
      cgroups.back().limit = read_limit(entry.at("cpu_max"));
  }
  return cgroups;
}

// Parses, takes @p member out and reads it; whatever goes wrong is the document's fault.
template <class Read>
auto read_member(const std::string& file, const std::string& text, const char* member, Read read)
    -> Result<decltype(read(Json()))> {
  try {
    return read(Json::parse(text, nullptr, true, true).at(member));
  } catch (const std::exception& error) {
    return fail(Errc::invalid, "{}: {}", file, error.what());
  }
}

}  // namespace

std::string to_json(const Topology& topology, const CgroupTree& cgroups, const Plan& plan,
                    int indent) {
  auto cids = Json::array();
  for (const auto& cid : topology.cids)
    cids.push_back(write(cid));
  auto nodes = Json::array();
  for (const auto& node : cgroups.nodes)
    nodes.push_back(write(node));
  auto levels = Json::array();
  for (const auto& level : plan.levels) {
    levels.push_back(write(level, cgroups));
    if (const auto* memory = plan.find_memory(level.scheduler); memory != nullptr)
      levels.back()["memory"] = write(*memory, cgroups);
  }
  return json::to_text({{"schema", json::kPlanSchema},
                        {"topology", {{"cids", std::move(cids)}}},
                        {"cgroups", std::move(nodes)},
                        {"plan", {{"levels", std::move(levels)}}}},
                       indent);
}

CgroupTree cgroups_of(const Plan& plan, const CgroupTree& cgroups) {
  std::vector<bool> is_wanted(cgroups.nodes.size());
  const auto want = [&](CgroupId id) {
    const auto* node = cgroups.find(id);
    for (auto at = node == nullptr ? 0 : static_cast<std::size_t>(node - cgroups.nodes.data());
         at != 0 && !is_wanted[at]; at = cgroups.nodes[at].parent)
      is_wanted[at] = true;
  };
  for (const auto& level : plan.levels)
    for (const auto& participant : level.participants)
      want(participant.cgroup);
  CgroupTree tree;
  std::vector<std::uint32_t> index(cgroups.nodes.size());
  for (std::size_t i = 0; i < cgroups.nodes.size(); ++i) {
    if (i != 0 && !is_wanted[i])
      continue;
    index[i] = static_cast<std::uint32_t>(tree.nodes.size());
    tree.nodes.push_back(cgroups.nodes[i]);
    tree.nodes.back().parent = index[cgroups.nodes[i].parent];
  }
  return tree;
}

Result<Topology> topology_from_json(const std::string& file, const std::string& text) {
  return read_member(file, text, "topology", read_topology_member);
}

Result<std::vector<NamedCgroup>> cgroups_from_json(const std::string& file,
                                                   const std::string& text) {
  return read_member(file, text, "cgroups", read_cgroups_member);
}

Result<Plan> plan_from_json(const std::string& file, const std::string& text,
                            const CgroupTree& cgroups) {
  return read_member(file, text, "plan",
                     [&cgroups](const Json& json) { return read_plan(json, cgroups); });
}

}  // namespace fief
