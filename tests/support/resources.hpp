// SPDX-License-Identifier: GPL-2.0-only
// What this process holds at a moment, for tests of what stays behind.
#pragma once

#include <cstddef>
#include <filesystem>
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

}  // namespace fief::test
