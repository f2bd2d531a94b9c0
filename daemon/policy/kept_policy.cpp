// SPDX-License-Identifier: GPL-2.0-only
#include "policy/kept_policy.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "core/atomic_file.hpp"
#include "policy/load.hpp"

namespace fief {
namespace {

using Json = nlohmann::json;

constexpr char kName[] = "last-good-policy.json";
constexpr char kFiles[] = "files";
constexpr char kFile[] = "file";
constexpr char kText[] = "text";

bool is_entry(const Json& entry) {
  return entry.is_object() && entry.contains(kFile) && entry[kFile].is_string() &&
         entry.contains(kText) && entry[kText].is_string();
}

std::optional<std::vector<PolicyText>> texts_in(const Json& document) {
  if (!document.is_object() || !document.contains(kFiles) || !document[kFiles].is_array())
    return std::nullopt;
  std::vector<PolicyText> texts;
  for (const auto& entry : document[kFiles]) {
    if (!is_entry(entry))
      return std::nullopt;
    texts.push_back({entry[kFile].get<std::string>(), entry[kText].get<std::string>()});
  }
  return texts;
}

}  // namespace

std::string KeptPolicy::path() const {
  return fmt::format("{}/{}", directory_, kName);
}

Result<std::vector<PolicyText>> KeptPolicy::read() const {
  std::error_code ignored;
  if (!std::filesystem::exists(path(), ignored))
    return fail(Errc::not_found, "there is no {}", path());
  const auto text = read_policy_file(path(), FileTrust::root_only);
  if (!text)
    return context(path(), text.error());
  auto texts = texts_in(Json::parse(*text, nullptr, /*allow_exceptions=*/false));
  if (!texts)
    return fail(Errc::invalid, "{}: is damaged", path());
  return std::move(*texts);
}

Status KeptPolicy::write(std::span<const PolicyText> files) const {
  auto list = Json::array();
  for (const auto& [file, text] : files)
    list.push_back({{kFile, file}, {kText, text}});
  std::error_code ignored;  // what cannot be made cannot be opened
  std::filesystem::create_directories(directory_, ignored);
  // What is no UTF-8 was refused when it was parsed; a file's name may be anything.
  const auto text =
      Json{{kFiles, std::move(list)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto status = replace_file(directory_, kName, text);
  return status ? Status{} : context(path(), status.error());
}

}  // namespace fief
