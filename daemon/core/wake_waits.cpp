// SPDX-License-Identifier: GPL-2.0-only
#include "core/wake_waits.hpp"

#include <numeric>

namespace fief {

std::uint64_t count_of(const WakeWaits& waits) {
  return std::accumulate(waits.counts.begin(), waits.counts.end(), std::uint64_t{0});
}

double percentile_us(const WakeWaits& waits, double part) {
  const auto wanted = part * static_cast<double>(count_of(waits));
  double below = 0;
  for (std::size_t i = 0; i < WakeWaits::kBuckets; ++i) {
    const auto here = static_cast<double>(waits.counts[i]);
    if (here > 0 && below + here >= wanted) {
      const auto end = static_cast<double>(bucket_end_us(i));
      const double begin = i == 0 ? 0 : end / 2;
      return begin + (end - begin) * (wanted - below) / here;
    }
    below += here;
  }
  return 0;
}

WakeWaits since(const WakeWaits& before, const WakeWaits& after) {
  if (after.sum_us < before.sum_us || count_of(after) < count_of(before))
    return after;
  WakeWaits between = after;
  between.sum_us -= before.sum_us;
  for (std::size_t i = 0; i < WakeWaits::kBuckets; ++i)
    between.counts[i] -= before.counts[i];
  return between;
}

}  // namespace fief
