// SPDX-License-Identifier: GPL-2.0-only
// Tells others what is new in the status: who came, who went and why.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "backend/backend.hpp"
#include "cgroup/tree.hpp"

namespace fief {

class Announcer {
 public:
  /// @p progress gets a summary for people whenever it differs.
  explicit Announcer(std::function<void(const std::string&)> progress)
      : progress_(std::move(progress)) {}

  void set_listener(StatusListener* listener) { listener_ = listener; }

  /// Announces what differs from the last time. @p reasons: why schedulers went that were there
  /// then.
  void publish(const StatusView& now, const std::map<CgroupId, std::string>& reasons,
               const CgroupTree& cgroups);
  /// Everybody who was announced is gone, as far as listeners are concerned.
  void retract(const std::string& reason);
  void changed();

 private:
  void announce_detached(const SchedulerView& scheduler, const std::string& reason);
  void announce_attached(const SchedulerView& scheduler);

  std::function<void(const std::string&)> progress_;
  StatusListener* listener_ = nullptr;
  std::map<CgroupId, SchedulerView> announced_;
  std::string summary_;  ///< last told to progress_
};

}  // namespace fief
