// SPDX-License-Identifier: GPL-2.0-only
#include "policy/show.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "policy/draft.hpp"
#include "policy/merge.hpp"

namespace fief {
namespace {

using Value = decltype(ShownValue::value);

Value shown(bool value) {
  return value;
}
Value shown(std::uint32_t value) {
  return std::int64_t{value};
}
Value shown(double value) {
  return value;
}
Value shown(const std::string& value) {
  return value;
}
Value shown(std::chrono::milliseconds value) {
  return std::int64_t{value.count()};
}
Value shown(Cores value) {
  constexpr std::array kNames{"any", "performance", "efficiency"};
  return std::string(kNames.at(static_cast<std::size_t>(value)));
}

Value shown(Smt value) {
  return std::string(value == Smt::together ? "together" : "split");
}
Value shown(OnStop value) {
  return std::string(value == OnStop::leave ? "leave" : "keep");
}
Value shown(const OptionValue& value) {
  return std::visit([](const auto& plain) { return Value(plain); }, value);
}

struct PlacementText {
  std::string operator()(PlacePack /*pack*/) const { return "pack"; }
  std::string operator()(PlaceSpread /*spread*/) const { return "spread"; }
  std::string operator()(const PlaceNear& near) const { return "near:" + near.name; }
  std::string operator()(const PlaceCpus& cpus) const { return "cpus:" + cpus.cpus.to_string(); }
  std::string operator()(const PlaceNodes& nodes) const {
    return "nodes:" + nodes.nodes.to_string();
  }
};
Value shown(const Placement& value) {
  return std::visit(PlacementText{}, value);
}

template <class T>
Value shown(const std::optional<T>& value) {
  return value ? shown(*value) : Value{};
}

// Values of one object, each beside the setting that it may come from.
class Values {
 public:
  template <class T, class Made>
  void add(std::string_view key, const Setting<T>& setting, const Made& in_force) {
    ShownValue value{.key = std::string(key), .value = shown(in_force), .file = {}, .line = 0};
    if (setting.given) {
      value.file = setting.place.file;
      value.line = setting.place.at.line;
      value.column = setting.place.at.column;
      value.pointer = setting.place.pointer;
    }
    values_.push_back(std::move(value));
  }
  void add(const OptionSettings& settings, const Options& in_force) {
    for (const auto& [name, option] : in_force)
      add("options." + name, settings.at(name), option);
  }
  std::vector<ShownValue> take() { return std::move(values_); }

 private:
  std::vector<ShownValue> values_;
};

// Which cgroups it is about: a pattern or a selector as it was written, and the one path there is.
void add_subject(const DelegationDraft& draft, const Delegation& made, Values& values) {
  for (const auto& key : kSubjectKeys) {
    const auto& setting = draft.*key.setting;
    if (setting.given && (key.is_selector || key.is_pattern))
      values.add(key.name, setting, *(key.is_selector ? draft.selected : setting).value);
  }
  if (!draft.is_pattern())
    values.add("cgroup", draft.cgroup, made.cgroup);
}

ShownDelegation show(const DelegationDraft& draft, const Delegation& made) {
  Values values;
  add_subject(draft, made, values);
  if (draft.class_name.given)
    values.add("class", draft.class_name, *draft.class_name.value);
  values.add("enabled", draft.enabled, draft.is_enabled());
  values.add("scheduler", draft.scheduler, made.scheduler);
  values.add(draft.options, made.options);
  values.add("weight", draft.weight, made.weight);
  values.add("min_cpus", draft.min_cpus, made.min_cpus);
  values.add("max_cpus", draft.max_cpus, made.max_cpus);
  values.add("exclusive", draft.exclusive, made.exclusive);
  values.add("placement", draft.placement, made.placement);
  values.add("cores", draft.cores, made.cores);
  values.add("smt", draft.smt, made.smt);
  values.add("lend", draft.lend, made.lend);
  values.add("landing_cpus", draft.landing_cpus, made.landing_cpus);
  values.add("borrow", draft.borrow, made.borrow);
  values.add("caps", draft.perf, std::string(made.perf ? "perf" : ""));
  values.add("tenants", draft.tenants, made.tenants);
  values.add("min_age_ms", draft.min_age, made.min_age);
  values.add("restart.enabled", draft.restart.enabled, made.restart.enabled);
  values.add("restart.first_delay_ms", draft.restart.first_delay, made.restart.first_delay);
  values.add("restart.max_delay_ms", draft.restart.max_delay, made.restart.max_delay);
  values.add("restart.quarantine_after", draft.restart.quarantine_after,
             made.restart.quarantine_after);
  values.add("restart.max_denied_per_second", draft.restart.max_denied_per_second,
             made.restart.max_denied_per_second);
  return {made.name, values.take()};
}

const Delegation& made_of(const DelegationDraft& draft, const Policy& policy) {
  const auto& name = *draft.identity().value;
  const auto is_pattern = [&name](const DelegationPattern& known) {
    return known.delegation.name == name;
  };
  if (draft.is_pattern())
    return std::ranges::find_if(policy.patterns, is_pattern)->delegation;
  const auto& list = draft.is_enabled() ? policy.delegations : policy.disabled;
  return *std::ranges::find(list, name, &Delegation::name);
}

ShownPolicy show(const PolicyDraft& draft, const Policy& made, FaultLog& log) {
  Values root;
  root.add("min_cpus", draft.root.min_cpus, made.root.min_cpus);
  root.add("on_stop", draft.root.on_stop, made.root.on_stop);
  root.add(draft.root.options, made.root.options);
  ShownPolicy policy{root.take(), {}};
  for (const auto& delegation : complete_drafts(draft, log))
    policy.delegations.push_back(show(delegation, made_of(delegation, made)));
  return policy;
}

template <class T, class Key>
const T* find(const std::vector<T>& items, std::string T::* member, const Key& key) {
  const auto found = std::ranges::find(items, key, member);
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

tl::expected<ShownPolicy, std::vector<PolicyFault>> show_policy(std::span<const PolicyText> sources,
                                                                const Surroundings& surroundings) {
  if (const auto sound = parse_policy(sources, {}, {}, surroundings); !sound)
    return tl::unexpected(sound.error());
  FaultLog log;
  const auto draft = merge_drafts(read_drafts(sources, surroundings, log), log);
  return show(draft, compile_policy(draft, /*complete=*/true, {}, log), log);
}

std::string origin_of(const ShownPolicy& policy, std::string_view name, std::string_view key) {
  const auto* delegation = find(policy.delegations, &ShownDelegation::name, name);
  const auto* value =
      delegation == nullptr ? nullptr : find(delegation->values, &ShownValue::key, key);
  return value == nullptr || value->file.empty() ? std::string{}
                                                 : fmt::format("{}:{}", value->file, value->line);
}

}  // namespace fief
