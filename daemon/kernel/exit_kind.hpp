// SPDX-License-Identifier: GPL-2.0-only
// How the kernel says that a scheduler ended: enum scx_exit_kind and the system part of enum
// scx_exit_code (kernel/sched/ext/internal.h), which no uapi header carries.
#pragma once

#include <cstdint>

namespace fief::exit_kind {

inline constexpr std::uint32_t kNone = 0;
inline constexpr std::uint32_t kDone = 1;
inline constexpr std::uint32_t kUnregistered = 64;
inline constexpr std::uint32_t kUnregisteredByBpf = 65;
inline constexpr std::uint32_t kUnregisteredByKernel = 66;
inline constexpr std::uint32_t kSysrq = 67;
inline constexpr std::uint32_t kParentExited = 68;
inline constexpr std::uint32_t kKilledByParent = 69;
inline constexpr std::uint32_t kError = 1024;
inline constexpr std::uint32_t kErrorOfBpf = 1025;
inline constexpr std::uint32_t kStall = 1026;
inline constexpr std::uint32_t kReenqueuedTooOften = 1027;
inline constexpr std::uint32_t kRescuedInVain = 1028;

// Bits of an exit code; the low 32 bits are the scheduler's own.
inline constexpr std::int64_t kCodeHotplug = std::int64_t{1} << 32;
inline constexpr std::int64_t kCodeCgroupOffline = std::int64_t{2} << 32;
inline constexpr std::int64_t kCodeReasonMask = std::int64_t{0xffff} << 32;
inline constexpr std::int64_t kCodeRestart = std::int64_t{1} << 48;

}  // namespace fief::exit_kind
