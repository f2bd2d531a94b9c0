// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/boot_check.hpp"

#include <unistd.h>

#include "core/fd.hpp"

namespace fief {
namespace {

constexpr std::size_t kMaxFile = 4096;

// "" where there is no such file: then there is no such restriction.
std::string line_of(const std::string& file) {
  const auto text = read_file(file, kMaxFile).value_or("");
  return text.substr(0, text.find('\n'));
}

}  // namespace

Status check_boot(const BootFiles& files) {
  if (const auto cpus = line_of(files.isolated); !cpus.empty())
    return fail(Errc::unsupported,
                "CPUs {} were isolated at boot, and with that the kernel refuses every sched_ext "
                "scheduler; boot without isolcpus= (cpuset partitions isolate as well)",
                cpus);
  // In the milder state, [integrity], BPF may still read the kernel's memory.
  if (line_of(files.lockdown).find("[confidentiality]") != std::string::npos)
    return fail(Errc::unsupported,
                "the kernel is locked down for confidentiality, so that BPF may not read what "
                "fief's schedulers need; boot with lockdown=integrity or without lockdown");
  if (::access(files.types.c_str(), F_OK) != 0)
    return fail(Errc::unsupported,
                "this kernel has no type information (no {}); it needs CONFIG_DEBUG_INFO_BTF=y",
                files.types);
  return {};
}

}  // namespace fief
