// SPDX-License-Identifier: GPL-2.0-only
// What this process holds at a moment, for tests of what stays behind.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>

// NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizers name it
extern "C" __attribute__((weak)) std::size_t __sanitizer_get_current_allocated_bytes();

namespace fief::test {

inline std::ptrdiff_t open_descriptors() {
  using Iterator = std::filesystem::directory_iterator;
  return std::distance(Iterator("/proc/self/fd"), Iterator());
}

/// 0 where no sanitizer counts.
inline std::size_t allocated_bytes() {
  return __sanitizer_get_current_allocated_bytes != nullptr
             ? __sanitizer_get_current_allocated_bytes()
             : 0;
}

/// VmRSS of this process.
inline std::size_t resident_bytes() {
  std::size_t size = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::size_t>(::getpagesize());
}

/// What this process holds: as a sanitizer counts it, which keeps freed memory resident for a
/// while, or else what is resident.
inline std::size_t held_bytes() {
  const auto allocated = allocated_bytes();
  return allocated > 0 ? allocated : resident_bytes();
}

}  // namespace fief::test
