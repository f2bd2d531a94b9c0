// SPDX-License-Identifier: GPL-2.0-only
//
// A table for each kind of object says which keys it has and what reads them: those that end in a
// policy are in keys.hpp, the others here. Unknown and repeated keys are found in one place,
// read_object().
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "policy/container_layout.hpp"
#include "policy/draft.hpp"
#include "policy/keys.hpp"
#include "policy/selector_values.hpp"
#include "policy/suggest.hpp"
#include "policy/values.hpp"

namespace fief {
namespace {

/// A value on its way into a draft.
struct Value {
  const JsonNode& node;
  Place place;
  const Surroundings& surroundings;
  FaultLog& log;

  [[nodiscard]] Value member(const JsonMember& member) const {
    return {member.value,
            {place.file, member.value.at, append_pointer(place.pointer, member.key)},
            surroundings,
            log};
  }
  [[nodiscard]] Value element(const JsonNode& element, std::size_t index) const {
    return {
        element, {place.file, element.at, append_pointer(place.pointer, index)}, surroundings, log};
  }
  void refuse(std::string message) const { log.add(place, std::move(message)); }
};

/// A key that has no row in keys.hpp.
template <class Draft>
struct Key {
  std::string_view name;
  void (*read)(const Value& value, Draft& draft);
};

/// The name of each table entry.
template <class Keys>
constexpr auto names_of(const Keys& keys) {
  return std::apply([](const auto&... key) { return std::array{key.name...}; }, keys);
}

template <class T>
Setting<T> make_setting(const Value& value, ValueResult<T> result) {
  if (result)
    return {true, std::move(*result), value.place};
  value.refuse(std::move(result.error()));
  return {true, std::nullopt, value.place};
}

/// Reads a key into the draft's @p Member through @p convert.
template <auto Member, auto convert, class Draft>
void setting(const Value& value, Draft& draft) {
  draft.*Member = make_setting(value, convert(value.node));
}

/// What a selector stands for goes to @p setting, how it was written beside it.
void put_selector(const Value& value, ValueResult<Selector> selector, DelegationDraft& draft,
                  Setting<std::string>& setting) {
  draft.selected = {true, std::nullopt, value.place};
  setting = {true, std::nullopt, value.place};
  if (!selector) {
    value.refuse(std::move(selector.error()));
    return;
  }
  draft.selected.value = std::move(selector->text);
  setting.value = std::move(selector->cgroups);
}

template <auto Member, auto convert>
void selector(const Value& value, DelegationDraft& draft) {
  put_selector(value, convert(value.node), draft, draft.*Member);
}

void read_user(const Value& value, DelegationDraft& draft) {
  put_selector(value, as_user(value.node, value.surroundings.users), draft, draft.user);
}

/// Where the key itself stands, for faults that are not its value's.
Place key_place(const Value& object, const JsonMember& member) {
  return {object.place.file, member.at, append_pointer(object.place.pointer, member.key)};
}

/// Finds the keys that one object has twice.
class SeenKeys {
 public:
  explicit SeenKeys(const Value& object) : object_(object) {}

  /// Whether @p member is the first of its name; any other is a fault.
  bool is_first(const JsonMember& member) {
    const auto [first, is_new] = first_.emplace(member.key, member.at);
    if (!is_new)
      object_.log.add(key_place(object_, member),
                      fmt::format("key {} is given twice, first in line {}, column {}", member.text,
                                  first->second.line, first->second.column));
    return is_new;
  }

 private:
  const Value& object_;
  std::map<std::string_view, TextPosition> first_;
};

template <class Draft>
void read_key(const Key<Draft>& key, const Value& value, Draft& draft) {
  key.read(value, draft);
}

template <class Draft, class Given, class Object, class Made, class Read>
void read_key(const PolicyKey<Draft, Given, Object, Made, Read>& key, const Value& value,
              Draft& draft) {
  read_into(draft.*key.draft, value, key.read);
}

/// False if @p keys have none of that name.
template <class Keys, class Draft>
bool read_member(const Keys& keys, std::string_view name, const Value& value, Draft& draft) {
  const auto read_if_it = [&](const auto& key) {
    const bool is_it = key.name == name;
    if (is_it)
      read_key(key, value, draft);
    return is_it;
  };
  return std::apply([&](const auto&... key) { return (read_if_it(key) || ...); }, keys);
}

template <class Keys, class Draft>
void read_object(const Value& object, const Keys& keys, Draft& draft) {
  const auto names = names_of(keys);
  const auto* members = std::get_if<JsonObject>(&object.node.value);
  if (members == nullptr) {
    object.refuse(not_allowed(object.node, fmt::format("an object of {}", fmt::join(names, ", "))));
    return;
  }
  SeenKeys seen(object);
  for (const auto& member : *members) {
    if (!seen.is_first(member) || read_member(keys, member.key, object.member(member), draft))
      continue;
    const auto hint = did_you_mean(member.key, names);
    object.log.add(
        key_place(object, member),
        fmt::format("unknown key {}{}", member.text,
                    hint.empty() ? fmt::format("; there are {}", fmt::join(names, ", ")) : hint));
  }
}

/// Calls @p read with each member of an object whose names people choose, @p what.
template <class Read>
void read_named(const Value& object, std::string_view what, Read read) {
  const auto* members = std::get_if<JsonObject>(&object.node.value);
  if (members == nullptr) {
    object.refuse(not_allowed(object.node, what));
    return;
  }
  SeenKeys seen(object);
  for (const auto& member : *members)
    if (seen.is_first(member))
      read(member);
}

template <class T>
void read_into(Setting<T>& setting, const Value& value,
               ValueResult<T> (*convert)(const JsonNode&)) {
  setting = make_setting(value, convert(value.node));
}

/// Of a number of CPUs that may be a part of the machine's.
void read_into(Setting<double>& setting, const Value& value,
               ValueResult<double> (*convert)(const JsonNode&, std::uint32_t)) {
  setting = make_setting(value, convert(value.node, value.surroundings.machine.cpus));
}

void read_into(OptionSettings& options, const Value& object, AsOptions /*how*/) {
  read_named(object, "an object of the scheduler's options", [&](const JsonMember& member) {
    if (!is_option_name(member.key))
      object.log.add(key_place(object, member),
                     fmt::format("{} is not an option's name: 1 to 63 letters, digits and \"_\", "
                                 "not starting with a digit",
                                 member.text));
    options[member.key] = make_setting(object.member(member), as_option(member.value));
  });
}

void read_into(Setting<bool>& perf, const Value& array, AsCaps /*how*/) {
  perf = {true, std::nullopt, array.place};
  const auto* elements = std::get_if<JsonArray>(&array.node.value);
  if (elements == nullptr) {
    array.refuse(not_allowed(array.node, "an array of caps such as [\"perf\"]"));
    return;
  }
  bool valid = true;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const auto cap = make_setting(array.element((*elements)[i], i), as_cap((*elements)[i]));
    valid = valid && cap.value;
  }
  if (valid)
    perf.value = !elements->empty();
}

void read_into(RestartDraft& restart, const Value& object, AsRestart /*how*/) {
  read_object(object, kRestartKeys, restart);
}

struct PodDraft {
  Setting<QosClass> qos;
  Setting<std::string> uid;
};

constexpr std::array kPodKeys{
    Key<PodDraft>{"qos", setting<&PodDraft::qos, as_qos>},
    Key<PodDraft>{"uid", setting<&PodDraft::uid, as_pod_uid>},
};

/// Nothing: it was wrong, and that has been reported.
std::optional<PodSelector> pod_selector(const Value& object) {
  PodDraft draft;
  read_object(object, kPodKeys, draft);
  const auto* members = std::get_if<JsonObject>(&object.node.value);
  if (members != nullptr && members->empty())
    object.refuse(R"(a pod is selected by "qos", by "uid" or by both, and neither is there)");
  const auto is_wrong = [](const auto& key) { return key.given && !key.value; };
  const bool selects = draft.qos.value || draft.uid.value;
  if (!selects || is_wrong(draft.qos) || is_wrong(draft.uid))
    return std::nullopt;
  return PodSelector{draft.qos.value, draft.uid.value};
}

void read_pod(const Value& object, DelegationDraft& draft) {
  const auto pod = pod_selector(object);
  draft.selected = {true, std::nullopt, object.place};
  draft.pod = draft.selected;
  if (!pod)
    return;
  draft.selected.value = to_text(*pod);
  draft.pod.value = pod_regex(*pod);
}

constexpr std::array kWhenKeys{
    Key<WhenDraft>{"cpus", setting<&WhenDraft::cpus, as_count_bound>},
    Key<WhenDraft>{"nodes", setting<&WhenDraft::nodes, as_count_bound>},
    Key<WhenDraft>{"kernel", setting<&WhenDraft::kernel, as_version_bound>},
    Key<WhenDraft>{"host", setting<&WhenDraft::host, as_host_glob>},
    Key<WhenDraft>{"architecture", setting<&WhenDraft::architecture, as_architecture>},
    Key<WhenDraft>{"virtualization", setting<&WhenDraft::virtualization, as_virtualization>},
};

template <class Draft>
void read_when(const Value& value, Draft& draft) {
  read_object(value, kWhenKeys, draft.when);
}

// Which cgroups it is about, and whether.
constexpr std::array kWhichKeys{
    Key<DelegationDraft>{"name", setting<&DelegationDraft::name, as_name>},
    Key<DelegationDraft>{"cgroup", setting<&DelegationDraft::cgroup, as_cgroup_path>},
    Key<DelegationDraft>{"cgroup_glob", setting<&DelegationDraft::glob, as_cgroup_glob>},
    Key<DelegationDraft>{"cgroup_regex", setting<&DelegationDraft::regex, as_cgroup_regex>},
    Key<DelegationDraft>{"unit", selector<&DelegationDraft::unit, as_unit>},
    Key<DelegationDraft>{"slice", selector<&DelegationDraft::slice, as_slice>},
    Key<DelegationDraft>{"user", read_user},
    Key<DelegationDraft>{"container", selector<&DelegationDraft::container, as_container>},
    Key<DelegationDraft>{"pod", read_pod},
    Key<DelegationDraft>{"machine", selector<&DelegationDraft::machine, as_machine>},
    Key<DelegationDraft>{"class", setting<&DelegationDraft::class_name, as_name>},
    Key<DelegationDraft>{"enabled", setting<&DelegationDraft::enabled, as_bool>},
    Key<DelegationDraft>{"when", read_when<DelegationDraft>},
};

constexpr auto kDelegationKeys = std::tuple_cat(kWhichKeys, kGivenKeys);

void read_classes(const Value& object, PolicyDraft& draft) {
  read_named(object, "an object of classes by name", [&](const JsonMember& member) {
    if (!is_name(member.key))
      object.log.add(key_place(object, member),
                     fmt::format("{} is not a name of 1 to 255 bytes without control characters",
                                 member.text));
    const auto value = object.member(member);
    DelegationDraft made;
    made.place = value.place;
    read_object(value, kGivenKeys, made);
    // One that may not be is nobody's, and is named in no other fault.
    if (is_name(member.key))
      draft.classes[member.key] = std::move(made);
  });
}

void read_delegations(const Value& array, PolicyDraft& draft) {
  const auto* elements = std::get_if<JsonArray>(&array.node.value);
  if (elements == nullptr) {
    array.refuse(not_allowed(array.node, "an array of delegations"));
    return;
  }
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const auto element = array.element((*elements)[i], i);
    DelegationDraft delegation;
    delegation.place = element.place;
    read_object(element, kDelegationKeys, delegation);
    if (std::holds_alternative<JsonObject>(element.node.value))
      draft.delegations.push_back(std::move(delegation));
  }
}

constexpr std::array kPolicyKeys{
    Key<PolicyDraft>{"$schema",
                     [](const Value& value, PolicyDraft& /*draft*/) {
                       static_cast<void>(make_setting(value, as_text(value.node)));
                     }},
    Key<PolicyDraft>{"when", read_when<PolicyDraft>},
    Key<PolicyDraft>{"root", [](const Value& value,
                                PolicyDraft& draft) { read_object(value, kRootKeys, draft.root); }},
    Key<PolicyDraft>{"classes", read_classes},
    Key<PolicyDraft>{"delegations", read_delegations},
};

}  // namespace

PolicyDraft read_draft(std::string_view file, const JsonNode& document,
                       const Surroundings& surroundings, FaultLog& log) {
  PolicyDraft draft;
  draft.place = {file, document.at, ""};
  read_object(Value{document, {file, document.at, ""}, surroundings, log}, kPolicyKeys, draft);
  return draft;
}

}  // namespace fief
