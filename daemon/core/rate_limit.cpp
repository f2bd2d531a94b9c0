// SPDX-License-Identifier: GPL-2.0-only
#include "core/rate_limit.hpp"

namespace fief::log {

RateLimit::Verdict RateLimit::admit(std::string_view kind, Time now) {
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

}  // namespace fief::log
