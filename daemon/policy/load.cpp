// SPDX-License-Identifier: GPL-2.0-only
#include "policy/load.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "core/trusted_file.hpp"

namespace fief {
namespace {

namespace fs = std::filesystem;

using FaultList = std::vector<PolicyFault>;

// Nobody takes files away that often; a directory that vanishes is told as a fault.
constexpr int kMaxTries = 8;

const dev_t kNullDevice = makedev(1, 3);  // /dev/null

PolicyFault whole_file(std::string file, std::string message) {
  return {.file = std::move(file),
          .line = 0,
          .column = 0,
          .pointer = "",
          .message = std::move(message)};
}

/// systemd's convention to switch a file off: a link to /dev/null in its place.
bool is_masked(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode) &&
         status.st_rdev == kNullDevice;
}

bool is_there(const fs::path& path) {
  // A link that leads nowhere does exist: that it cannot be read is worth a fault.
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
}

bool is_drop_in(const fs::path& path) {
  return path.extension() == ".json" && !path.filename().string().starts_with('.');
}

struct ReadFiles {
  PolicySources sources;
  bool is_one_gone = false;  ///< not there any more, even if it may be again by now
};

ReadFiles read_files(std::span<const std::string> files, FileTrust trust) {
  ReadFiles read;
  for (const auto& file : files) {
    auto text = read_policy_file(file, trust);
    if (text) {
      read.sources.texts.push_back({file, std::move(*text)});
      continue;
    }
    // A link that leads nowhere does exist.
    std::error_code ignored;
    read.is_one_gone |= text.error().code == Errc::not_found && !fs::is_symlink(file, ignored);
    read.sources.unread.push_back(whole_file(file, std::move(text.error().message)));
  }
  return read;
}

/// Adds the drop-ins of one directory; a name that is there already hides the new one.
void add_drop_ins(const fs::path& directory, std::map<std::string, fs::path>& by_name,
                  FaultList& faults) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (is_drop_in(entries->path()))
      by_name.emplace(entries->path().filename().string(), entries->path());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    faults.push_back(whole_file(directory.string(), "cannot be listed: " + error.message()));
}

}  // namespace

Result<std::string> read_policy_file(const std::string& file, FileTrust trust) {
  return trust == FileTrust::root_only ? read_file_of_root(file, kMaxPolicyBytes)
                                       : read_regular_file(file, kMaxPolicyBytes);
}

tl::expected<std::vector<std::string>, FaultList> find_policy_files(const PolicyPaths& paths) {
  FaultList faults;
  std::vector<fs::path> candidates;
  std::map<std::string, fs::path> drop_ins;
  for (const auto& directory : paths.directories) {
    const auto main_file = fs::path(directory) / "policy.json";
    if (candidates.empty() && is_there(main_file))
      candidates.push_back(main_file);
    add_drop_ins(fs::path(directory) / "policy.d", drop_ins, faults);
  }
  if (!faults.empty())
    return tl::unexpected(std::move(faults));
  for (auto& [name, path] : drop_ins)
    candidates.push_back(std::move(path));
  std::erase_if(candidates, is_masked);
  return std::vector<std::string>(candidates.begin(), candidates.end());
}

PolicySources read_policy_files(std::span<const std::string> files, FileTrust trust) {
  return read_files(files, trust).sources;
}

// A drop-in that goes between being listed and being read was never a part of the policy that
// counts: the files are listed again.
PolicySources read_policy(const PolicyPaths& paths) {
  PolicySources sources;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const auto files = find_policy_files(paths);
    if (!files)
      return {.texts = {}, .unread = files.error()};
    auto read = read_files(*files, paths.trust);
    sources = std::move(read.sources);
    if (!read.is_one_gone)
      break;
  }
  return sources;
}

PolicyResult load_policy_files(std::span<const std::string> files, FileTrust trust,
                               const OptionCatalog& catalog, const Surroundings& surroundings) {
  auto sources = read_policy_files(files, trust);
  return parse_policy(sources.texts, std::move(sources.unread), catalog, surroundings);
}

PolicyResult load_policy(const PolicyPaths& paths, const OptionCatalog& catalog,
                         const Surroundings& surroundings) {
  auto sources = read_policy(paths);
  return parse_policy(sources.texts, std::move(sources.unread), catalog, surroundings);
}

}  // namespace fief
