// SPDX-License-Identifier: GPL-2.0-only
#include "policy/show.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "policy/draft.hpp"
#include "policy/keys.hpp"
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
Value shown(Lend value) {
  return value == Lend::cores ? Value(std::string("cores")) : Value(value == Lend::cpus);
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
  void add(std::string_view key, const OptionSettings& settings, const Options& in_force) {
    for (const auto& [name, option] : in_force)
      add(fmt::format("{}.{}", key, name), settings.at(name), option);
  }
  void add(std::string_view key, const RestartDraft& draft, const RestartPolicy& in_force) {
    for_each_key(kRestartKeys, [&](const auto& part) {
      add(fmt::format("{}.{}", key, part.name), draft.*part.draft, in_force.*part.made);
    });
  }
  // What each row of @p keys is about.
  template <class Keys, class Draft, class Object>
  void add_all(const Keys& keys, const Draft& draft, const Object& in_force) {
    for_each_key(keys, [&](const auto& key) {
      if constexpr (std::is_same_v<std::decay_t<decltype(key.read)>, AsCaps>)
        add(key.name, draft.*key.draft, std::string(in_force.*key.made ? "perf" : ""));
      else
        add(key.name, draft.*key.draft, in_force.*key.made);
    });
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
  values.add_all(kGivenKeys, draft, made);
  return {made.name, values.take()};
}

// What is made of drafts, asked in the order of the drafts, in which a policy has them as well.
class Made {
 public:
  explicit Made(const Policy& policy)
      : patterns_(policy.patterns),
        enabled_(policy.delegations.begin()),
        disabled_(policy.disabled.begin()) {}

  const Delegation& of(const DelegationDraft& draft) {
    if (draft.is_pattern())
      return pattern(*draft.identity().value);
    return draft.is_enabled() ? *enabled_++ : *disabled_++;
  }

 private:
  // Those are in the order in which they win.
  [[nodiscard]] const Delegation& pattern(const std::string& name) const {
    return std::ranges::find_if(
               patterns_,
               [&name](const DelegationPattern& known) { return known.delegation.name == name; })
        ->delegation;
  }

  const std::vector<DelegationPattern>& patterns_;
  std::vector<Delegation>::const_iterator enabled_;
  std::vector<Delegation>::const_iterator disabled_;
};

ShownPolicy show(const CompiledPolicy& compiled) {
  Values root;
  root.add_all(kRootKeys, compiled.root, compiled.policy.root);
  ShownPolicy shown{root.take(), {}};
  Made made(compiled.policy);
  for (const auto& delegation : compiled.delegations)
    shown.delegations.push_back(show(delegation, made.of(delegation)));
  return shown;
}

template <class T, class Key>
const T* find(const std::vector<T>& items, std::string T::* member, const Key& key) {
  const auto found = std::ranges::find(items, key, member);
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

TracedResult trace_policy(std::span<const PolicyText> sources, std::vector<PolicyFault> unread,
                          const OptionCatalog& catalog, const Surroundings& surroundings) {
  return compile_sources(sources, std::move(unread), catalog, surroundings)
      .map([](CompiledPolicy compiled) {
        auto shown = show(compiled);
        return TracedPolicy{std::move(compiled.policy), std::move(shown)};
      });
}

tl::expected<ShownPolicy, std::vector<PolicyFault>> show_policy(std::span<const PolicyText> sources,
                                                                const Surroundings& surroundings) {
  return trace_policy(sources, {}, {}, surroundings).map([](TracedPolicy traced) {
    return std::move(traced.shown);
  });
}

std::string origin_of(const ShownPolicy& policy, std::string_view name, std::string_view key) {
  const auto* delegation = find(policy.delegations, &ShownDelegation::name, name);
  const auto* value =
      delegation == nullptr ? nullptr : find(delegation->values, &ShownValue::key, key);
  return value == nullptr || value->file.empty() ? std::string{}
                                                 : fmt::format("{}:{}", value->file, value->line);
}

}  // namespace fief
