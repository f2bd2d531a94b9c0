// SPDX-License-Identifier: GPL-2.0-only
#include "control/supervision.hpp"

#include <algorithm>
#include <utility>

namespace fief {
namespace {

std::chrono::milliseconds delay_after(std::size_t failures, const RestartPolicy& policy,
                                      double jitter) {
  auto delay = policy.first_delay;
  for (std::size_t i = 1; i < failures && delay < policy.max_delay; ++i)
    delay *= 2;
  delay = std::min(delay, policy.max_delay);
  const auto shortened = static_cast<double>(delay.count()) * (1.0 - jitter / 4);
  return std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(shortened)};
}

}  // namespace

void Supervision::failed(Time now, const RestartPolicy& policy, double jitter, std::string why) {
  std::erase_if(failures_, [now](Time at) { return now - at > kMemory; });
  failures_.push_back(now);
  if (!policy.enabled || failures_.size() >= policy.quarantine_after)
    return gave_up(std::move(why));
  retry_at_ = now + delay_after(failures_.size(), policy, jitter);
  last_error_ = std::move(why);
}

void Supervision::gave_up(std::string why) {
  quarantined_ = true;
  retry_at_.reset();
  last_error_ = std::move(why);
}

void Supervision::succeeded() {
  retry_at_.reset();
  if (failures_.empty())
    last_error_.clear();
}

}  // namespace fief
