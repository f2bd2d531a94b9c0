// SPDX-License-Identifier: GPL-2.0-only
// The daemon's D-Bus service: shows what the Backend says, announces what changed, and carries
// requests to it. Works without a bus as well: whatever happened meanwhile is shown once there is
// one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "api/admission.hpp"
#include "api/authority.hpp"
#include "api/bus.hpp"
#include "api/calls.hpp"
#include "api/snapshots.hpp"
#include "api/vtables.hpp"
#include "backend/backend.hpp"
#include "backend/boosts.hpp"
#include "backend/quota.hpp"
#include "backend/time_budget.hpp"
#include "status/view_diff.hpp"

namespace fief {

class Service final : public StatusListener, private dbus::Objects {
 public:
  /// What the service is given must outlive it. Everything runs on @p io's thread. @p budget: what
  /// users may have of that, by whatever way they ask.
  Service(boost::asio::io_context& io, Backend& backend, Boosts& boosts, TimeBudget& budget);

  /// Connects to the bus and takes the name; both are retried for as long as it takes.
  void start();
  /// Leaves the bus.
  void stop();

  void status_changed() override;
  void scheduler_attached(const SchedulerView& scheduler) override;
  void scheduler_detached(const SchedulerView& scheduler, const std::string& reason) override;

 private:
  const StatusView& live() override;
  const std::string& live_json() override;
  const SchedulerView* find(CgroupId cgroup) override;
  std::vector<std::string> paths() override;
  void carry_out(sd_bus_message& request, Operation operation) override;
  [[nodiscard]] const Backend& backend() const override { return backend_; }

  Status register_objects(sd_bus& bus);
  void announce_changes();
  void announce(sd_bus& bus, const StatusDiff& changes);
  void begin(const dbus::MessageRef& request, const Operation& operation, const Sender& sender,
             const Quota::Ticket& ticket);

  boost::asio::io_context& io_;
  Backend& backend_;
  Boosts& boosts_;
  Snapshots snapshots_;
  dbus::PendingCalls calls_;
  dbus::Admission admission_;
  dbus::Authority authority_;
  Quota quota_;
  dbus::Bus bus_;
  std::shared_ptr<Service*> self_;  ///< expires with this object: late callbacks see it
  bool announcing_ = false;         ///< announce_changes() is posted
};

}  // namespace fief
