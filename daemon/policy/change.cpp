// SPDX-License-Identifier: GPL-2.0-only
#include "policy/change.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "policy/keys.hpp"

namespace fief {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHeader =
    "// Written by fiefd on request (\"fiefctl set\", \"attach\" and the like). To undo it, run\n"
    "// \"fiefctl revert NAME\", or delete this file and run \"fiefctl reload\".\n";
// After the drop-ins that people number, before what must have the last word.
constexpr std::string_view kPrefix = "95-fief-";
constexpr std::string_view kSuffix = ".json";
constexpr std::size_t kMaxFileName = 255;

Json write(const OptionValue& value) {
  return std::visit([](const auto& plain) { return Json(plain); }, value);
}

Json write(const ChangedValue& value) {
  if (const auto* options = std::get_if<Options>(&value)) {
    auto object = Json::object();
    for (const auto& [name, option] : *options)
      object[name] = write(option);
    return object;
  }
  return std::visit(
      [](const auto& plain) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(plain)>, Options>)
          return nullptr;
        else
          return plain;
      },
      value);
}

Json write(const DelegationChange& change) {
  Json delegation{{"name", change.name}};
  for (const auto& [key, value] : change.keys)
    delegation[key] = write(value);
  return delegation;
}

// What is not UTF-8 becomes U+FFFD, and the parser says what it thinks of that.
std::string to_text(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

Result<Json> read_drop_in(std::string_view text) {
  if (text.empty())
    return Json{{"delegations", Json::array()}};
  auto document = Json::parse(text, nullptr, /*allow_exceptions=*/false, /*ignore_comments=*/true);
  if (!document.is_object() || !document.value("delegations", Json::array()).is_array())
    return fail(Errc::invalid, "it is no policy; mend or delete it");
  if (!document.contains("delegations"))
    document["delegations"] = Json::array();
  return document;
}

// A delegation is known by its name, or by its cgroup where it has none.
bool is_about(const Json& delegation, std::string_view name) {
  if (!delegation.is_object())
    return false;
  const auto key = delegation.contains("name") ? "name" : "cgroup";
  return delegation.contains(key) && delegation[key] == name;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == ':' || c == '@';
}

std::string escaped(std::string_view name) {
  if (name.starts_with('/'))
    name.remove_prefix(1);
  std::string text;
  for (const char c : name) {
    if (c == '/')
      text += '-';
    else if (is_plain(c))
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

}  // namespace

bool is_for_owners(std::string_view key) {
  return owners_of(key) != Owners::may_not;
}

DelegationChange combined(DelegationChange under, const DelegationChange& over) {
  for (const auto& [key, value] : over.keys)
    under.keys.insert_or_assign(key, value);
  return under;
}

std::string to_policy_text(const DelegationChange& change) {
  return to_text({{"delegations", Json::array({write(change)})}});
}

Result<std::string> with_change(std::string_view text, const DelegationChange& change) {
  auto document = read_drop_in(text);
  if (!document)
    return tl::unexpected(document.error());
  auto& delegations = (*document)["delegations"];
  const auto found = std::ranges::find_if(
      delegations, [&change](const Json& entry) { return is_about(entry, change.name); });
  auto& entry = found != delegations.end() ? *found : delegations.emplace_back(Json::object());
  entry.update(write(change));
  return std::string(kHeader) + to_text(*document);
}

Result<std::string> without_changes(std::string_view text, std::string_view name) {
  auto document = read_drop_in(text);
  if (!document)
    return tl::unexpected(document.error());
  auto kept = Json::array();
  for (auto& entry : (*document)["delegations"])
    if (!is_about(entry, name))
      kept.push_back(std::move(entry));
  if (kept.empty() && document->size() == 1)
    return std::string{};
  (*document)["delegations"] = std::move(kept);
  return std::string(kHeader) + to_text(*document);
}

// Two long names may end in one file: it holds as many delegations as there are.
std::string drop_in_name(std::string_view delegation) {
  auto name = escaped(delegation);
  name.resize(std::min(name.size(), kMaxFileName - kPrefix.size() - kSuffix.size()));
  return fmt::format("{}{}{}", kPrefix, name, kSuffix);
}

}  // namespace fief
