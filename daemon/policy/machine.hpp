// SPDX-License-Identifier: GPL-2.0-only
// What a policy may make itself depend on: facts of a machine, by the names that systemd has for
// them (ConditionCPUs= and others, systemd.unit(5)).
#pragma once

#include <cstdint>
#include <string>

#include "policy/users.hpp"

namespace fief {

struct Machine {
  std::uint32_t cpus = 1;               ///< that are there, switched on or not
  std::uint32_t nodes = 1;              ///< NUMA nodes with CPUs
  std::string kernel;                   ///< release, e.g. "7.3.4+deb13-amd64"
  std::string host;                     ///< name, as uname(2) has it
  std::string architecture;             ///< e.g. "x86-64", "arm64"
  std::string virtualization = "none";  ///< or "vm", or "container"
};

/// All that a policy refers to beyond itself.
struct Surroundings {
  UserLookup users = user_id_of;
  Machine machine;
};

/// Those of the machine this runs on, read once.
const Surroundings& here();

}  // namespace fief
