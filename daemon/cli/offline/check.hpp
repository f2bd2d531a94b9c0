// SPDX-License-Identifier: GPL-2.0-only
// `fiefctl check`: everything that a reload would refuse, and what would be waiting afterwards,
// without the daemon and without privileges.
#pragma once

#include <string>
#include <vector>

#include "cgroup/reader.hpp"
#include "core/result.hpp"
#include "policy/fault.hpp"
#include "policy/load.hpp"

namespace fief::cli {

/// As given on the command line; empty means this machine's own.
struct CheckOptions {
  std::vector<std::string> policy;  ///< files
  std::string machine;              ///< another one, as with_facts() has it
};

/// Where a policy is to be in force: read from this machine, or made up for another.
struct CheckPlace {
  PolicyPaths paths{.trust = FileTrust::root_only};
  std::string sysfs = "/sys";
  std::string cgroups{kCgroupMount};
};

struct Checked {
  Policy policy;
  std::vector<PolicyFault> faults;    ///< why it is refused; nothing else is known of it then
  std::vector<PolicyFault> warnings;  ///< what waits, or would not fit if all ran at once
};

/// Errors: what was given on the command line, or a machine that cannot be read.
Result<Checked> check_policy(const CheckOptions& options, const OptionCatalog& catalog,
                             const CheckPlace& place = {});

}  // namespace fief::cli
