// SPDX-License-Identifier: GPL-2.0-only
// Keeps one recurring message from filling the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace fief::log {

/// At most @c burst records of one kind in each @c window; counts what it holds back.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  RateLimit(std::uint32_t burst, std::chrono::milliseconds window)
      : burst_(burst), window_(window) {}

  struct Verdict {
    bool pass = true;
    std::uint64_t suppressed = 0;  ///< held back in the window that just ended
  };
  /// Whether a record of @p kind may be written at @p now (which never runs backwards).
  Verdict admit(std::string_view kind, Time now);

  /// Kinds that are known.
  [[nodiscard]] std::size_t size() const { return windows_.size(); }

 private:
  struct Window {
    Time begin;
    std::uint32_t passed = 0;
    std::uint64_t suppressed = 0;
  };
  static constexpr std::size_t kMany = 256;  ///< more than there are message ids

  void forget_ended(Time now);

  std::uint32_t burst_;
  std::chrono::milliseconds window_;
  std::map<std::string, Window, std::less<>> windows_;
};

}  // namespace fief::log
