// SPDX-License-Identifier: GPL-2.0-only
// What a kernel that has everything may still have been booted with, or built without, so that no
// scheduler of fief's can be loaded: told from its files, before anything is.
#pragma once

#include <string>

#include "core/result.hpp"

namespace fief {

struct BootFiles {
  std::string isolated = "/sys/devices/system/cpu/isolated";  ///< CPUs of isolcpus=
  std::string lockdown = "/sys/kernel/security/lockdown";
  std::string types = "/sys/kernel/btf/vmlinux";
};

/// One sentence about the first thing in the way, with what to do. Errc::unsupported: it stays so
/// until the next boot.
Status check_boot(const BootFiles& files = {});

}  // namespace fief
