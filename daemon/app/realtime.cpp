// SPDX-License-Identifier: GPL-2.0-only
#include "app/realtime.hpp"

#include <sched.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace fief {
namespace {

constexpr int kPriority = 10;

}  // namespace

Status take_realtime_priority() {
  sched_param parameters{};
  parameters.sched_priority = kPriority;
  if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) != 0)
    return fail(Errc::denied, "cannot take real-time priority: {}", std::strerror(errno));
  return {};
}

// Not MCL_FUTURE: the kernel then populates later mappings of BPF arenas whole, on-fault or not
// (they are VM_MIXEDMAP, which clears the lock flags but not the wish to populate), and leaves the
// schedulers no page of their own. Code and data are what is mapped by now.
Status lock_memory() {
  if (mlockall(MCL_CURRENT | MCL_ONFAULT) != 0)
    return fail(Errc::denied, "cannot lock memory: {}", std::strerror(errno));
  return {};
}

}  // namespace fief
