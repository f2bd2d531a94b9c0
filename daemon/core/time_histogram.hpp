// SPDX-License-Identifier: GPL-2.0-only
// How long something took, often: a histogram. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace fief {

struct TimeHistogram {
  static constexpr std::size_t kBuckets = 23;
  /// [0]: less than 1 us; [i]: from 2^(i-1) us to 2^i us; the last: all that is longer.
  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t sum_us = 0;  ///< of all these times
  friend bool operator==(const TimeHistogram&, const TimeHistogram&) = default;
};

/// Where a bucket ends, in microseconds. The last one has no end; for it this is where it begins
/// twice over.
constexpr std::uint64_t bucket_end_us(std::size_t bucket) {
  return std::uint64_t{1} << bucket;
}

/// Counts one more; what is below zero counts as zero.
void add(TimeHistogram& histogram, std::chrono::nanoseconds time);
/// Times in all.
std::uint64_t count_of(const TimeHistogram& times);
/// The time in microseconds that @p part (0 to 1) of the times did not exceed: within its bucket by
/// proportion, so right to a factor of two at worst. 0 without any.
double percentile_us(const TimeHistogram& times, double part);
/// What came between @p before and @p after; all of @p after where it has begun anew.
TimeHistogram since(const TimeHistogram& before, const TimeHistogram& after);

}  // namespace fief
