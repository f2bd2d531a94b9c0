// SPDX-License-Identifier: GPL-2.0-only
// The longest beginning of a list that something still holds of. Pure.
#pragma once

#include <cstddef>

namespace fief {

/// The greatest n up to @p count for which @p holds(n), found by halves: a longer one is taken to
/// fail where a shorter one does. holds(0) is taken for granted. Nearly always all or nearly all
/// hold, so that is tried first.
template <class Holds>
std::size_t longest_run(std::size_t count, Holds holds) {
  if (count == 0 || holds(count))
    return count;
  std::size_t good = 0;
  while (count - good > 1) {
    const auto middle = good + (count - good) / 2;
    (holds(middle) ? good : count) = middle;
  }
  return good;
}

}  // namespace fief
