// SPDX-License-Identifier: GPL-2.0-only
#include "policy/drop_ins.hpp"

#include <filesystem>
#include <system_error>

#include "core/atomic_file.hpp"
#include "policy/load.hpp"

namespace fief {

std::string DropIns::path(std::string_view name) const {
  return fmt::format("{}/{}", directory_, name);
}

Result<std::string> DropIns::read(std::string_view name) const {
  std::error_code ignored;
  if (!std::filesystem::exists(path(name), ignored))
    return std::string{};
  return read_policy_file(path(name), FileTrust::root_only);
}

// Policies are no secret: fiefctl check reads them as anybody, whatever the daemon's umask is.
Status DropIns::write(std::string_view name, std::string_view text) const {
  constexpr std::filesystem::perms kMode{0755};
  std::error_code ignored;  // what cannot be made cannot be opened
  if (std::filesystem::create_directories(directory_, ignored))
    std::filesystem::permissions(directory_, kMode, ignored);
  const std::string file(name);
  const auto status =
      text.empty() ? remove_file(directory_, file) : replace_file(directory_, file, text);
  return status ? Status{} : context(path(name), status.error());
}

}  // namespace fief
