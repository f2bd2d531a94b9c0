// SPDX-License-Identifier: GPL-2.0-only
// Finds and reads the files of the policy. The effects are here, parse.hpp is pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/result.hpp"
#include "policy/parse.hpp"

namespace fief {

/// A longer file is refused unread; thousands of delegations fit.
inline constexpr std::size_t kMaxPolicyBytes = 16U << 20;

enum class FileTrust {
  any,
  root_only,  ///< refuse files that others than root own or may write
};

/// Where the policy is looked for, by systemd's rules: of the files policy.json, and of those in
/// policy.d/*.json with one name, only the one in the foremost directory counts; a link to
/// /dev/null there hides the others. policy.json comes first, then the drop-ins by name.
struct PolicyPaths {
  std::vector<std::string> directories{"/etc/fief", "/usr/share/fief"};
  FileTrust trust = FileTrust::any;
};

/// The files that make up the policy, in the order they are merged. Absent directories and files
/// are fine. Faults: a directory that cannot be listed.
tl::expected<std::vector<std::string>, std::vector<PolicyFault>> find_policy_files(
    const PolicyPaths& paths);

/// What was read, and why the rest could not be.
struct PolicySources {
  std::vector<PolicyText> texts;
  std::vector<PolicyFault> unread;
};

/// Reads one file of a policy. Errc::denied: it must not be obeyed, with the remedy.
Result<std::string> read_policy_file(const std::string& file, FileTrust trust);

/// Reads exactly @p files.
PolicySources read_policy_files(std::span<const std::string> files, FileTrust trust);

/// find_policy_files() and read_policy_files(), as often as a file goes in between.
PolicySources read_policy(const PolicyPaths& paths);

/// Reads and parses exactly @p files; one that is absent, unreadable, too long or not trusted is a
/// fault beside those inside the others.
PolicyResult load_policy_files(std::span<const std::string> files, FileTrust trust,
                               const OptionCatalog& catalog = {},
                               const Surroundings& surroundings = here());

/// find_policy_files() and load_policy_files().
PolicyResult load_policy(const PolicyPaths& paths, const OptionCatalog& catalog = {},
                         const Surroundings& surroundings = here());

}  // namespace fief
