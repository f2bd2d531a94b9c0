// SPDX-License-Identifier: GPL-2.0-only
#include "status/policy_json.hpp"

#include <stdexcept>
#include <utility>

#include "status/json_values.hpp"

namespace fief {
namespace {

using json::Json;

constexpr int kSchema = 1;

struct ToJson {
  Json operator()(std::monostate /*unset*/) const { return nullptr; }
  template <class T>
  Json operator()(const T& plain) const {
    return plain;
  }
};

Json write(const std::vector<ShownValue>& values) {
  auto object = Json::object();
  for (const auto& value : values)
    object[value.key] = {{"value", std::visit(ToJson{}, value.value)},
                         {"file", value.file.empty() ? Json(nullptr) : Json(value.file)},
                         {"line", value.file.empty() ? Json(nullptr) : Json(value.line)}};
  return object;
}

decltype(ShownValue::value) read_value(const Json& json) {
  if (json.is_boolean())
    return json.get<bool>();
  if (json.is_number_integer())
    return json.get<std::int64_t>();
  if (json.is_number())
    return json.get<double>();
  if (json.is_string())
    return json.get<std::string>();
  return std::monostate{};
}

std::vector<ShownValue> read_values(const Json& object) {
  std::vector<ShownValue> values;
  for (const auto& [key, entry] : object.items()) {
    ShownValue value{.key = key, .value = read_value(entry.at("value")), .file = {}, .line = 0};
    if (!entry.at("file").is_null()) {
      entry.at("file").get_to(value.file);
      entry.at("line").get_to(value.line);
    }
    values.push_back(std::move(value));
  }
  return values;
}

ShownPolicy read_policy(const Json& json) {
  if (json.at("schema").get<int>() != kSchema)
    throw std::invalid_argument("it is of another schema");
  ShownPolicy policy{read_values(json.at("root")), {}};
  for (const auto& delegation : json.at("delegations"))
    policy.delegations.push_back(
        {delegation.at("name").get<std::string>(), read_values(delegation.at("values"))});
  return policy;
}

}  // namespace

std::string to_json(const ShownPolicy& policy, int indent) {
  auto delegations = Json::array();
  for (const auto& delegation : policy.delegations)
    delegations.push_back({{"name", delegation.name}, {"values", write(delegation.values)}});
  return json::to_text(
      {{"schema", kSchema}, {"root", write(policy.root)}, {"delegations", std::move(delegations)}},
      indent);
}

Result<ShownPolicy> policy_from_json(std::string_view text) {
  try {
    return read_policy(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(Errc::invalid, "the policy is not in a form that this program knows: {}",
                error.what());
  }
}

}  // namespace fief
