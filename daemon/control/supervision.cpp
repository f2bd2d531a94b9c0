// SPDX-License-Identifier: GPL-2.0-only
#include "control/supervision.hpp"

#include <utility>

#include "core/backoff.hpp"

namespace fief {

void Supervision::failed(Time now, const RestartPolicy& policy, double jitter, std::string why) {
  std::erase_if(failures_, [now](Time at) { return now - at > kMemory; });
  failures_.push_back(now);
  if (!policy.enabled || failures_.size() >= policy.quarantine_after)
    return gave_up(std::move(why));
  const Backoff backoff(policy.first_delay, policy.max_delay);
  retry_at_ = now + jittered(backoff.after(failures_.size()), jitter);
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
