// SPDX-License-Identifier: GPL-2.0-only
#include "core/time_histogram.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace fief {

void add(TimeHistogram& histogram, std::chrono::nanoseconds time) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  const auto counted = static_cast<std::uint64_t>(std::max(us, decltype(us){0}));
  const auto bucket = static_cast<std::size_t>(std::bit_width(counted));
  ++histogram.counts.at(std::min(bucket, TimeHistogram::kBuckets - 1));
  histogram.sum_us += counted;
}

std::uint64_t count_of(const TimeHistogram& times) {
  return std::accumulate(times.counts.begin(), times.counts.end(), std::uint64_t{0});
}

double percentile_us(const TimeHistogram& times, double part) {
  const auto wanted = part * static_cast<double>(count_of(times));
  double below = 0;
  for (std::size_t i = 0; i < TimeHistogram::kBuckets; ++i) {
    const auto here = static_cast<double>(times.counts[i]);
    if (here > 0 && below + here >= wanted) {
      const auto end = static_cast<double>(bucket_end_us(i));
      const double begin = i == 0 ? 0 : end / 2;
      return begin + (end - begin) * (wanted - below) / here;
    }
    below += here;
  }
  return 0;
}

TimeHistogram since(const TimeHistogram& before, const TimeHistogram& after) {
  if (after.sum_us < before.sum_us || count_of(after) < count_of(before))
    return after;
  TimeHistogram between = after;
  between.sum_us -= before.sum_us;
  for (std::size_t i = 0; i < TimeHistogram::kBuckets; ++i)
    between.counts[i] -= before.counts[i];
  return between;
}

}  // namespace fief
