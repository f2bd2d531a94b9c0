// SPDX-License-Identifier: GPL-2.0-only
// How long to wait after failures in a row: twice as long each time, up to a limit. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace fief {

class Backoff {
 public:
  using Delay = std::chrono::milliseconds;

  /// After the first failure @p first (> 0); never more than @p last.
  constexpr Backoff(Delay first, Delay last) : first_(first), last_(last) {}

  /// The delay after @p failures (> 0) in a row.
  [[nodiscard]] constexpr Delay after(std::size_t failures) const {
    auto delay = first_;
    for (std::size_t i = 1; i < failures && delay < last_; ++i)
      delay *= 2;
    return std::min(delay, last_);
  }
  /// The delay after one failure more.
  constexpr Delay next() { return after(++failures_); }
  /// It went well: the next failure is the first again.
  constexpr void reset() { failures_ = 0; }

 private:
  Delay first_;
  Delay last_;
  std::size_t failures_ = 0;
};

/// @p delay without up to a quarter of it, as @p jitter in [0, 1) says: so that what failed
/// together is not tried again together.
constexpr Backoff::Delay jittered(Backoff::Delay delay, double jitter) {
  return Backoff::Delay{
      static_cast<Backoff::Delay::rep>(static_cast<double>(delay.count()) * (1.0 - jitter / 4))};
}

}  // namespace fief
