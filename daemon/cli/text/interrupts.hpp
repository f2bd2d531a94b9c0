// SPDX-License-Identifier: GPL-2.0-only
// Which devices interrupt whose CPUs. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/text/cpu_rights.hpp"
#include "cli/text/style.hpp"
#include "core/cid_set.hpp"
#include "core/result.hpp"

namespace fief::cli {

/// An interrupt of a device.
struct Interrupt {
  std::uint32_t number = 0;  ///< as in /proc/irq
  std::string device;        ///< as its driver calls it
  std::uint64_t count = 0;   ///< since the start, on all CPUs
  CidSet cpus;               ///< CPU numbers: those that have served it, or where it goes now
};

/// The devices' interrupts of /proc/interrupts (proc_interrupts(5)); what has a name in place of a
/// number is of a CPU itself. Errc::invalid if @p text is something else.
Result<std::vector<Interrupt>> parse_interrupts(std::string_view text);

/// CPU numbers that only delegations may use and nobody may borrow: exclusive ones, those that are
/// not lent, and landing CPUs.
CidSet kept_cpus(const std::vector<CpuRights>& map);

/// A line an interrupt: where it goes, and whose CPUs these are.
std::string render_interrupts(const std::vector<Interrupt>& interrupts,
                              const std::vector<CpuRights>& map, const Style& style);
std::string to_json(const std::vector<Interrupt>& interrupts, const std::vector<CpuRights>& map,
                    int indent = -1);

/// What tells irqbalance(1) to leave the kept CPUs alone: a line for its EnvironmentFile.
std::string irqbalance_line(const std::vector<CpuRights>& map);

}  // namespace fief::cli
