// SPDX-License-Identifier: GPL-2.0-only
#include "core/thread_time.hpp"

#include <ctime>

namespace fief {

std::chrono::nanoseconds thread_time() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

}  // namespace fief
