// SPDX-License-Identifier: GPL-2.0-only
#include "core/rate_limit.hpp"

namespace fief::log {

RateLimit::Verdict RateLimit::admit(std::string_view kind, Time now) {
  if (!windows_.contains(kind))
    forget_ended(now);
  const auto [it, fresh] = windows_.try_emplace(std::string(kind), Window{.begin = now});
  auto& window = it->second;
  Verdict verdict;
  if (now - window.begin >= window_) {
    verdict.suppressed = window.suppressed;
    window = Window{.begin = now};
  }
  verdict.pass = window.passed < burst_;
  if (verdict.pass)
    ++window.passed;
  else
    ++window.suppressed;
  return verdict;
}

// Somebody with many uids would fill the memory. What was held back is told only to who comes again
// before this.
void RateLimit::forget_ended(Time now) {
  if (windows_.size() < kMany)
    return;
  std::erase_if(windows_, [&](const auto& entry) { return now - entry.second.begin >= window_; });
}

}  // namespace fief::log
