// SPDX-License-Identifier: GPL-2.0-only
#include "app/realtime.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

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

// A collapse holds the write side of the process's mmap_lock from a nice 19 thread (khugepaged, see
// mm/khugepaged.c). On a saturated machine that thread may lose its CPU for seconds meanwhile, and
// every page fault of the daemon waits for it, real-time or not: rt_mutexes hand priority on,
// rw_semaphores do not.
Status refuse_huge_pages() {
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
    return fail(Errc::denied, "cannot do without transparent huge pages: {}", std::strerror(errno));
  return {};
}

}  // namespace fief
