// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <chrono>

namespace fief {

/// The CPU time that this thread has had: nobody pays for what others kept it from running.
std::chrono::nanoseconds thread_time();

}  // namespace fief
