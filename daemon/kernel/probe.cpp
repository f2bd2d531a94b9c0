// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probe.hpp"

#include <bpf/btf.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "kernel/boot_check.hpp"
#include "kernel/libbpf_handles.hpp"

namespace fief {
namespace {

struct NeededCapability {
  unsigned number;
  const char* name;
};
// Loading struct_ops and kfunc programs, reading kernel types, and disabling what others loaded.
constexpr std::array kNeeded{NeededCapability{CAP_BPF, "CAP_BPF"},
                             NeededCapability{CAP_PERFMON, "CAP_PERFMON"},
                             NeededCapability{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}};

Result<std::uint64_t> effective_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0)
    return fail(Errc::io, "cannot read this process's capabilities: {}", std::strerror(errno));
  return (std::uint64_t{data[1].effective} << 32) | data[0].effective;
}

Status check_privileges() {
  const auto held = effective_capabilities();
  if (!held)
    return tl::unexpected(held.error());
  std::string missing;
  for (const auto& [number, name] : kNeeded)
    if (((*held >> number) & 1) == 0)
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
  if (!missing.empty())
    return fail(Errc::denied, "fiefd lacks the privileges {}; run it as root", missing);
  return {};
}

Status check_kernel_types() {
  const BpfPtr<btf> types(btf__load_vmlinux_btf());
  if (!types)
    return fail(Errc::unsupported,
                "this kernel's type information (BTF) cannot be read; it needs "
                "CONFIG_DEBUG_INFO_BTF=y");
  if (btf__find_by_name_kind(types.get(), "sched_ext_ops_cid", BTF_KIND_STRUCT) < 0 ||
      btf__find_by_name_kind(types.get(), "scx_bpf_sub_dispatch", BTF_KIND_FUNC) < 0)
    return fail(Errc::unsupported,
                "this kernel's sched_ext has no sub-schedulers; fief needs Linux 7.3 or newer with "
                "CONFIG_EXT_SUB_SCHED=y");
  return {};
}

}  // namespace

Status probe_kernel(SchedExtSysfs& sysfs, bool ours) {
  const auto state = sysfs.state();
  if (!state)
    return fail(Errc::unsupported,
                "this kernel has no sched_ext; fief needs Linux 7.3 or newer with "
                "CONFIG_SCHED_CLASS_EXT=y");
  if (const auto status = check_boot(); !status)
    return status;
  if (const auto status = check_kernel_types(); !status)
    return status;
  if (const auto status = check_privileges(); !status)
    return status;
  if (*state != "disabled" && !ours) {
    const auto loaded = sysfs.schedulers();
    return fail(Errc::busy, "another root scheduler, \"{}\", is loaded already; stop it first",
                loaded.empty() ? *state : loaded.front().name);
  }
  return {};
}

}  // namespace fief
