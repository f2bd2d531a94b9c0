// SPDX-License-Identifier: GPL-2.0-only
#include "status/explain_json.hpp"

#include <array>
#include <string_view>

#include "status/view_facts.hpp"

namespace fief::json {
namespace {

std::string_view name_of(LimitedBy limit) {
  static constexpr std::array<std::string_view, 8> kNames{
      "nothing", "min", "max", "limit", "whole", "confined", "waking", "others"};
  return kNames.at(static_cast<std::size_t>(limit));
}

Json write(const std::vector<CidUser>& users) {
  auto list = Json::array();
  for (const auto& user : users)
    list.push_back({{"cgroup", user.path},
                    {"self", user.cgroup == kSelf},
                    {"fraction", to_cpus(user.time)},
                    {"why", user.why}});
  return list;
}

// Only where there are such CPUs.
void add_slow(Json& json, const std::vector<SlowCpus>& slow) {
  for (const auto& kind : slow)
    json["slow"].push_back({{"cpus", kind.cpus.to_string()},
                            {"capacity", kind.capacity},
                            {"time", to_cpus(kind.time)},
                            {"work", to_cpus(kind.work)}});
}

}  // namespace

Json write(const CgroupExplanation& explanation) {
  Json json{{"schema", kPlanSchema},
            {"cgroup", explanation.path},
            {"parent", explanation.parent_path},
            {"available", to_cpus(explanation.available)},
            {"entitlement", write(explanation.entitlement)},
            {"limited_by", name_of(explanation.limited_by)},
            {"exclusive", explanation.exclusive.to_string()},
            {"shared", write(explanation.shared)},
            {"llcs", explanation.llcs},
            {"nodes", explanation.nodes}};
  add_slow(json, explanation.slow);
  return json;
}

Json write(const CidExplanation& explanation) {
  auto levels = Json::array();
  for (const auto& level : explanation.levels)
    levels.push_back({{"scheduler", level.path},
                      {"held", to_cpus(level.held)},
                      {"users", write(level.users)},
                      {"may_borrow", write(level.may_borrow)},
                      {"why_not", level.why_not}});
  const auto& place = explanation.place;
  Json json{{"schema", kPlanSchema}, {"cid", place.cid.value}, {"cpu", place.cpu},
            {"core", place.core},    {"llc", place.llc},       {"node", place.node},
            {"shard", place.shard},  {"online", place.online}, {"levels", std::move(levels)}};
  if (place.capacity != kFullCapacity)
    json["capacity"] = place.capacity;
  return json;
}

Json write(const Explanation& explanation) {
  return std::visit([](const auto& known) { return write(known); }, explanation);
}

}  // namespace fief::json
