// SPDX-License-Identifier: GPL-2.0-only
#include "varlink/arguments.hpp"

#include <utility>

namespace fief::varlink {
namespace {

using json::Json;

// A number that is whole and fits.
std::optional<std::int64_t> as_whole(const Json& value) {
  if (!value.is_number_integer() ||
      (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>())))
    return std::nullopt;
  return value.get<std::int64_t>();
}

std::optional<ChangedValue> as_changed(const Json& value) {
  if (value.is_boolean())
    return ChangedValue(value.get<bool>());
  if (value.is_string())
    return ChangedValue(value.get<std::string>());
  if (value.is_number_float())
    return ChangedValue(value.get<double>());
  if (const auto whole = as_whole(value))
    return ChangedValue(*whole);
  return std::nullopt;
}

}  // namespace

std::string Arguments::text(const std::string& name) {
  const auto* value = require(name);
  if (value == nullptr)
    return {};
  if (!value->is_string()) {
    blame(name);
    return {};
  }
  return value->get<std::string>();
}

std::int64_t Arguments::whole(const std::string& name) {
  const auto* value = require(name);
  if (value == nullptr)
    return 0;
  const auto number = as_whole(*value);
  if (!number)
    blame(name);
  return number.value_or(0);
}

ChangedKeys Arguments::values(const std::string& name) {
  ChangedKeys values;
  const auto* object = require(name);
  if (object == nullptr)
    return values;
  if (!object->is_object())
    blame(name);
  else
    for (const auto& [key, value] : object->items())
      if (auto changed = as_changed(value))
        values.insert_or_assign(key, std::move(*changed));
      else
        blame(fmt::format("{}.{}", name, key));
  return values;
}

std::string Arguments::text_or_empty(const std::string& name) {
  return find(name) == nullptr ? std::string{} : text(name);
}

Options Arguments::options_or_none(const std::string& name) {
  if (find(name) == nullptr)
    return {};
  auto options = to_options(values(name));
  if (!options) {
    blame(name);
    return {};
  }
  return std::move(*options);
}

bool Arguments::flag(const std::string& name, std::uint64_t flag) {
  const auto flags = find(name) == nullptr ? 0 : whole(name);
  if (flags != 0 && std::cmp_not_equal(flags, flag))
    blame(name);
  return flags != 0;
}

std::optional<std::string> Arguments::fault() const {
  if (fault_)
    return fault_;
  for (const auto& [name, value] : parameters_.items())
    if (!read_.contains(name))
      return name;
  return std::nullopt;
}

const Json* Arguments::find(const std::string& name) {
  read_.insert(name);
  const auto found = parameters_.find(name);
  return found == parameters_.end() || found->is_null() ? nullptr : &*found;
}

const Json* Arguments::require(const std::string& name) {
  const auto* value = find(name);
  if (value == nullptr)
    blame(name);
  return value;
}

void Arguments::blame(const std::string& name) {
  if (!fault_)
    fault_ = name;
}

}  // namespace fief::varlink
