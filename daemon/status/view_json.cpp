// SPDX-License-Identifier: GPL-2.0-only
#include "status/view_json.hpp"

#include <array>
#include <stdexcept>

#include "status/json_values.hpp"
#include "status/view_facts.hpp"

namespace fief {
namespace {

using json::Json;
using json::read_cids;
using json::write;

// The kernel's names of the caps, in the order of HeldCaps.
constexpr std::array<const char*, FIEF_NR_CAPS> kCapNames{"enq_immed", "enq", "preempt", "perf"};

constexpr std::array kStates{SchedulerState::waiting,     SchedulerState::attaching,
                             SchedulerState::attached,    SchedulerState::backing_off,
                             SchedulerState::quarantined, SchedulerState::detached};

Json write(const HeldCaps& held) {
  Json caps;
  for (std::size_t cap = 0; cap < kCapNames.size(); ++cap)
    caps[kCapNames[cap]] = held.by_cap[cap].to_string();
  return caps;
}

HeldCaps read_held(const Json& caps) {
  HeldCaps held;
  for (std::size_t cap = 0; cap < kCapNames.size(); ++cap)
    held.by_cap[cap] = read_cids(caps.at(kCapNames[cap]));
  return held;
}

Json write(const Counters& counters) {
  auto json = Json::object();
  for_each_counter(counters,
                   [&json](const char* name, std::uint64_t value) { json[name] = value; });
  return json;
}

Counters read_counters(const Json& json) {
  Counters counters;
  for_each_counter(counters, [&json](const char* name, std::uint64_t& value) {
    value = json.value(name, std::uint64_t{0});  // an older daemon's are fewer
  });
  return counters;
}

Json write(const TimeHistogram& waits) {
  return {{"counts", waits.counts},
          {"sum_us", waits.sum_us},
          {"p50_us", percentile_us(waits, 0.5)},
          {"p90_us", percentile_us(waits, 0.9)},
          {"p99_us", percentile_us(waits, 0.99)}};
}

// An older daemon has none.
TimeHistogram read_times(const Json& json, const char* name) {
  TimeHistogram times;
  if (const auto found = json.find(name); found != json.end()) {
    found->at("counts").get_to(times.counts);
    found->at("sum_us").get_to(times.sum_us);
  }
  return times;
}

Json write(const ReactionTimes& reactions) {
  return {{"heard", write(reactions.heard)},
          {"begun", write(reactions.begun)},
          {"in_force", write(reactions.in_force)}};
}

ReactionTimes read_reactions(const Json& status) {
  const auto json = status.value("reactions", Json::object());
  return {.heard = read_times(json, "heard"),
          .begun = read_times(json, "begun"),
          .in_force = read_times(json, "in_force")};
}

SchedulerState read_state(const Json& json) {
  const auto& name = json.get_ref<const std::string&>();
  for (const auto state : kStates)
    if (name == to_string(state))
      return state;
  throw std::invalid_argument(fmt::format("unknown state \"{}\"", name));
}

Json write(const PathIndex& paths, const SchedulerView& view) {
  const auto* parent = paths.parent(view);
  return {
      {"cgroup", view.path},
      {"cgroup_id", view.cgroup.value},
      {"parent", parent != nullptr ? Json(parent->path) : Json(nullptr)},
      {"delegation", view.delegation},
      {"pattern", view.pattern},
      {"scheduler", view.scheduler},
      {"state", to_string(view.state)},
      {"foreign", view.foreign},
      {"weight", view.weight},
      {"entitlement", write(view.entitlement)},
      {"exclusive", held_exclusive(view).to_string()},
      {"shared", write(held_shared(view))},
      {"borrowable", borrowable(view).to_string()},
      {"planned",
       {{"exclusive", view.planned_exclusive.to_string()}, {"shared", write(view.planned_shared)}}},
      {"caps", write(view.held)},
      {"as_planned", view.as_planned},
      {"usage_usec", view.usage_usec},
      {"counters", write(view.counters)},
      {"wake_waits", write(view.counters.wake_waits)},
      {"last_error", view.last_error}};
}

SchedulerView read_scheduler(const Json& json) {
  SchedulerView view;
  json.at("cgroup").get_to(view.path);
  json.at("cgroup_id").get_to(view.cgroup.value);
  json.at("delegation").get_to(view.delegation);
  view.pattern = json.value("pattern", std::string{});
  json.at("scheduler").get_to(view.scheduler);
  view.state = read_state(json.at("state"));
  json.at("foreign").get_to(view.foreign);
  json.at("weight").get_to(view.weight);
  view.entitlement = json::read_entitlement(json.at("entitlement"));
  view.planned_exclusive = read_cids(json.at("planned").at("exclusive"));
  view.planned_shared = json::read_shared(json.at("planned").at("shared"));
  view.held = read_held(json.at("caps"));
  json.at("as_planned").get_to(view.as_planned);
  json.at("usage_usec").get_to(view.usage_usec);
  view.counters = read_counters(json.at("counters"));
  view.counters.wake_waits = read_times(json, "wake_waits");
  json.at("last_error").get_to(view.last_error);
  return view;
}

StatusView read_status(const Json& json) {
  if (const auto schema = json.at("schema").get<int>(); schema != kStatusSchema)
    throw std::invalid_argument(fmt::format("schema {} is not {}", schema, kStatusSchema));
  StatusView status;
  json.at("version").get_to(status.version);
  json.at("state").get_to(status.state);
  json.at("plan_number").get_to(status.plan_number);
  json.at("cpus").get_to(status.nr_cpus);
  json.at("as_planned").get_to(status.as_planned);
  json.at("policy_file").get_to(status.policy_file);
  json.at("policy_error").get_to(status.policy_error);
  json.at("cpu_of_cid").get_to(status.cpu_of_cid);
  status.reactions = read_reactions(json);
  for (const auto& scheduler : json.at("schedulers"))
    status.schedulers.push_back(read_scheduler(scheduler));
  return status;
}

}  // namespace

std::string to_json(const StatusView& status, int indent) {
  const PathIndex paths(status);
  auto schedulers = Json::array();
  for (const auto& view : status.schedulers)
    schedulers.push_back(write(paths, view));
  const Json json{{"schema", kStatusSchema},
                  {"version", status.version},
                  {"state", status.state},
                  {"plan_number", status.plan_number},
                  {"cpus", status.nr_cpus},
                  {"as_planned", status.as_planned},
                  {"policy_file", status.policy_file},
                  {"policy_error", status.policy_error},
                  {"cpu_of_cid", status.cpu_of_cid},
                  {"reactions", write(status.reactions)},
                  {"schedulers", std::move(schedulers)}};
  return json::to_text(json, indent);
}

Result<StatusView> status_from_json(std::string_view text) {
  try {
    return read_status(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(Errc::invalid, "the status is not in a form that this program knows: {}",
                error.what());
  }
}

}  // namespace fief
