// SPDX-License-Identifier: GPL-2.0-only
// D-Bus names, shared by the daemon and its clients.
#pragma once

#include <cstdint>

namespace fief::dbus {

inline constexpr char kService[] = "org.fief.Fief1";
inline constexpr char kPath[] = "/org/fief/Fief1";
inline constexpr char kSchedulerPathPrefix[] = "/org/fief/Fief1/scheduler/";
inline constexpr char kManagerInterface[] = "org.fief.Fief1.Manager";
inline constexpr char kSchedulerInterface[] = "org.fief.Fief1.Scheduler";

inline constexpr char kErrorNoSuchScheduler[] = "org.fief.Fief1.Error.NoSuchScheduler";
inline constexpr char kErrorInvalidPolicy[] = "org.fief.Fief1.Error.InvalidPolicy";
inline constexpr char kErrorInfeasible[] = "org.fief.Fief1.Error.Infeasible";
inline constexpr char kErrorNotApplied[] = "org.fief.Fief1.Error.NotApplied";
inline constexpr char kErrorKernelRefused[] = "org.fief.Fief1.Error.KernelRefused";

/// Flags of methods that change something; 0 is for good.
inline constexpr std::uint64_t kFlagUntilRestart = 1;
/// Flags of Replan.
inline constexpr std::uint64_t kFlagFromScratch = 1;

}  // namespace fief::dbus
