// SPDX-License-Identifier: GPL-2.0-only
// The composition root: makes every part of the daemon, connects them to one loop, and runs it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/service.hpp"
#include "app/notifier.hpp"
#include "app/policy_watch.hpp"
#include "app/service_manager.hpp"
#include "cgroup/watcher.hpp"
#include "control/controller.hpp"
#include "core/result.hpp"
#include "fief/varlink_names.hpp"
#include "kernel/port.hpp"
#include "varlink/server.hpp"

namespace fief {

/// Exit statuses of fiefd(8).
enum class ExitStatus {
  clean = 0,
  failed = 1,    ///< starting again may help
  hopeless = 78  ///< it will not (EX_CONFIG): the unit does not restart on it
};

struct AppOptions {
  std::vector<std::string> policy_files;        ///< read instead of the directories if there is any
  std::vector<std::string> policy_directories;  ///< empty: the usual ones
  bool watch_policy = false;                    ///< reload when its files change
  std::string cgroup_mount{kCgroupMount};
  std::string state_directory{"/run/fief"};      ///< where the last good policy is kept
  std::string varlink_socket{varlink::kSocket};  ///< empty: none
};

using KernelFactory = std::function<std::unique_ptr<KernelPort>(boost::asio::io_context&)>;

class App {
 public:
  App(AppOptions options, const KernelFactory& make_kernel);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  App(App&&) = delete;
  App& operator=(App&&) = delete;
  ~App() = default;

  /// Runs until a signal or a failure ends it. Every failure has been logged.
  ExitStatus run();

 private:
  Status set_up();
  void serve();
  void watch_policy();
  void wait_for_signal();
  void keep_alive();
  void become_ready();
  void show_progress(const std::string& text);
  void reload();
  void stop_as_asked();
  void stop(Leaving leaving);
  void fail_with(const Error& error);

  AppOptions options_;
  boost::asio::io_context io_{1};  // one thread; first, since everything below borrows it
  Notifier notifier_{io_};
  ServiceManager service_manager_{io_};
  boost::asio::signal_set signals_{io_};
  boost::asio::steady_timer keep_alive_timer_{io_};
  std::unique_ptr<KernelPort> kernel_;
  std::optional<CgroupWatcher> watcher_;
  std::optional<Controller> controller_;
  std::optional<Boosts> boosts_;
  TimeBudget budget_;
  std::optional<Service> service_;
  std::optional<varlink::Server> varlink_;
  std::optional<PolicyWatch> policy_watch_;
  bool ready_ = false;
  ExitStatus status_ = ExitStatus::clean;
};

}  // namespace fief
