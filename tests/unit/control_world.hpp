// SPDX-License-Identifier: GPL-2.0-only
// A controller in a world of its own: the model kernel, a directory laid out like cgroupfs under
// the real watcher, policy texts through the real parser, and a real loop.
#pragma once

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cgroup_fixture.hpp"
#include "control/controller.hpp"
#include "core/log.hpp"
#include "support/model_kernel.hpp"
#include "temp_dir.hpp"

namespace fief::test {

/// What the D-Bus service would hear.
class Listener : public StatusListener {
 public:
  struct Signal {
    std::string path;
    std::string reason;  ///< empty: attached
    friend bool operator==(const Signal&, const Signal&) = default;
  };
  void status_changed() override { ++changes; }
  void scheduler_attached(const SchedulerView& scheduler) override {
    signals.push_back({scheduler.path, ""});
  }
  void scheduler_detached(const SchedulerView& scheduler, const std::string& reason) override {
    signals.push_back({scheduler.path, reason});
  }
  int changes = 0;
  std::vector<Signal> signals;
};

class World : public ::testing::Test {
 public:
  ~World() override;

 protected:
  /// @p topology: as parse_topology_spec() reads it.
  explicit World(const std::string& topology = "1x2x4x1");

  /// Writes the policy that the next start or reload reads.
  void set_policy(std::string text) { policy_text_ = std::move(text); }
  /// Starts the controller and waits until it is ready.
  void start(std::chrono::milliseconds limit = std::chrono::seconds{10});
  /// Ends the controller as a kill would; what it attached stays. start() begins the next one.
  void crash();
  Status reload();
  /// Asks the controller for @p operation and waits for its answer.
  Status perform(const Operation& operation, const Requester& requester = {});
  /// Asks for it; @p outcome, unless nobody listens, has the answer once there is one, and must
  /// last until then.
  void begin(const Operation& operation, std::optional<Status>* outcome = nullptr);

  CgroupId make(const std::string& path, std::uint32_t weight = 100);
  void remove(const std::string& path);
  void set_weight(const std::string& path, std::uint32_t weight);
  [[nodiscard]] CgroupId id(const std::string& path) const { return cgroups_.id(path); }

  /// Runs the loop until @p condition holds; fails the test after @p limit.
  void wait_until(const std::string& what, const std::function<bool()>& condition,
                  std::chrono::milliseconds limit = std::chrono::seconds{10});
  /// Runs whatever is pending, without waiting for timers or files.
  void settle();
  /// Waits until the view of @p path is in @p state and, if attached, as planned.
  void wait_for(const std::string& path, SchedulerState state);

  SchedulerView view(const std::string& path);
  /// CPUs that the kernel says a child owns.
  std::uint32_t owned(const std::string& path);
  [[nodiscard]] std::size_t logged(std::string_view message_id) const;

  boost::asio::io_context io_;
  TempDir drop_ins_;  ///< holds policy.json and policy.d
  CgroupFixture cgroups_;
  ModelKernel kernel_;
  std::optional<CgroupWatcher> watcher_;
  Listener listener_;
  std::map<std::string, uid_t> owners_;   ///< of cgroups, by path; root's if not here
  bool directories_have_owners_ = false;  ///< they count instead; for tests that run as root
  std::vector<log::Record> records_;
  std::string policy_text_ = "{}";
  std::optional<Controller> controller_;
  bool ready_ = false;
  bool left_ = false;
  std::optional<Error> failure_;
  RestartPolicy root_restart_;

 private:
  [[nodiscard]] PolicySources read_policy() const;
};

/// A delegation that is tried again after 10 ms, and not more often than @p tries times.
std::string quick(const std::string& cgroup, int tries = 5);

/// The policy of those delegations.
std::string policy_of(const std::vector<std::string>& delegations);

}  // namespace fief::test
