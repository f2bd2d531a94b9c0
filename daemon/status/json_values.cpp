// SPDX-License-Identifier: GPL-2.0-only
#include "status/json_values.hpp"

#include <cmath>
#include <optional>
#include <stdexcept>

#include "status/view_facts.hpp"

namespace fief::json {
namespace {

// 1/65536 is a binary fraction: the conversion is exact both ways.
CpuTime cpu_time(const Json& cpus) {
  const auto value = cpus.get<double>();
  if (!(value >= 0 && value <= 1e9))
    throw std::out_of_range("CPU time out of range");
  return static_cast<CpuTime>(std::llround(value * static_cast<double>(kCpuUnit)));
}

Json optional_cpus(const std::optional<CpuTime>& time) {
  return time ? Json(to_cpus(*time)) : Json(nullptr);
}

std::optional<CpuTime> optional_cpu_time(const Json& cpus) {
  return cpus.is_null() ? std::nullopt : std::optional(cpu_time(cpus));
}

}  // namespace

Json write(const SharedCids& shared) {
  auto list = Json::array();
  for (const auto& entry : shared)
    list.push_back({{"cid", entry.cid.value}, {"fraction", to_cpus(entry.fraction)}});
  return list;
}

SharedCids read_shared(const Json& list) {
  SharedCids shared;
  for (const auto& entry : list)
    shared.push_back({Cid{entry.at("cid").get<std::uint32_t>()}, cpu_time(entry.at("fraction"))});
  return shared;
}

CidSet read_cids(const Json& list) {
  auto cids = CidSet::parse(list.get_ref<const std::string&>());
  if (!cids)
    throw std::invalid_argument(cids.error().message);
  return *std::move(cids);
}

Json write(const Entitlement& due) {
  auto chain = Json::array();
  for (const auto& step : due.chain)
    chain.push_back({{"cgroup", step.path},
                     {"cgroup_id", step.cgroup.value},
                     {"weight", step.weight},
                     {"sibling_weights", step.sibling_weights},
                     {"awake_weights", step.awake_weights}});
  Json json{{"cpus", to_cpus(due.cpus)},
            {"by_weight", to_cpus(due.by_weight)},
            {"nominal", to_cpus(due.nominal)},
            {"awake", due.awake},
            {"min", optional_cpus(due.min)},
            {"max", optional_cpus(due.max)},
            {"chain", chain}};
  if (due.cpuset)
    json["cpuset"] = due.cpuset->to_string();
  if (due.limit)
    json["limit"] = to_cpus(*due.limit);
  return json;
}

Entitlement read_entitlement(const Json& json) {
  Entitlement due;
  due.cpus = cpu_time(json.at("cpus"));
  due.by_weight = cpu_time(json.at("by_weight"));
  due.nominal = cpu_time(json.at("nominal"));
  due.awake = json.at("awake").get<bool>();
  due.min = optional_cpu_time(json.at("min"));
  due.max = optional_cpu_time(json.at("max"));
  if (json.contains("cpuset"))
    due.cpuset = read_cids(json.at("cpuset"));
  if (json.contains("limit"))
    due.limit = cpu_time(json.at("limit"));
  for (const auto& step : json.at("chain"))
    due.chain.push_back(
        {CgroupId{step.at("cgroup_id").get<std::uint64_t>()}, step.at("cgroup").get<std::string>(),
         step.at("weight").get<std::uint64_t>(), step.at("sibling_weights").get<std::uint64_t>(),
         step.at("awake_weights").get<std::uint64_t>()});
  return due;
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace fief::json
