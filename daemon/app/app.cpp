// SPDX-License-Identifier: GPL-2.0-only
#include "app/app.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <utility>

#include "app/realtime.hpp"
#include "cgroup/hierarchy_kind.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "policy/load.hpp"

namespace fief {
namespace {

// Attaching walks every task, on a machine that may be saturated.
constexpr std::chrono::seconds kLongStep{120};

std::string join(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

PolicyPaths policy_paths(const AppOptions& options) {
  PolicyPaths paths{.trust = FileTrust::root_only};
  if (!options.policy_directories.empty())
    paths.directories = options.policy_directories;
  return paths;
}

std::function<PolicySources()> policy_reader(const AppOptions& options) {
  if (!options.policy_files.empty())
    return
        [files = options.policy_files] { return read_policy_files(files, FileTrust::root_only); };
  return [paths = policy_paths(options)] { return read_policy(paths); };
}

// Where those files are, or may come to be.
std::vector<std::string> watched_directories(const AppOptions& options) {
  std::vector<std::string> directories;
  std::ranges::transform(options.policy_files, std::back_inserter(directories),
                         [](const std::string& file) {
                           return std::filesystem::absolute(file).parent_path().string();
                         });
  if (options.policy_files.empty())
    for (const auto& directory : policy_paths(options).directories) {
      directories.push_back(directory);
      directories.push_back(directory + "/policy.d");
    }
  return directories;
}

ControllerConfig controller_config(const AppOptions& options) {
  ControllerConfig config;
  config.cgroup_mount = options.cgroup_mount;
  config.kept.emplace(options.state_directory);
  config.read_policy = policy_reader(options);
  if (!options.policy_files.empty()) {
    config.policy_files = [files = options.policy_files] { return join(files); };
  } else {
    const auto paths = policy_paths(options);
    config.policy_files = [paths] {
      return join(find_policy_files(paths).value_or(paths.directories));
    };
    config.drop_ins.emplace(paths.directories.front() + "/policy.d");
  }
  return config;
}

void warn_unless(const Status& status) {
  if (!status)
    log::warning({}, "{}; fiefd may be late when the machine is saturated", status.error());
}

}  // namespace

App::App(AppOptions options, const KernelFactory& make_kernel)
    : options_(std::move(options)), kernel_(make_kernel(io_)) {}

ExitStatus App::run() {
  if (const auto up = set_up(); !up) {
    fail_with(up.error());
    return status_;
  }
  serve();
  controller_->start();
  watch_policy();
  // Not before: what an earlier daemon left goes on without this one, and taking it over takes long
  // enough to be felt by those whose CPU it would have.
  warn_unless(take_realtime_priority());
  io_.run();
  return status_;
}

Status App::set_up() {
  warn_unless(refuse_huge_pages());
  warn_unless(lock_memory());
  if (const auto usable = kernel_->probe(); !usable)
    return usable;
  if (const auto unified = check_is_cgroup2(options_.cgroup_mount); !unified)
    return unified;
  auto watcher = CgroupWatcher::open(options_.cgroup_mount);
  if (!watcher)
    return tl::unexpected(watcher.error());
  watcher_.emplace(std::move(*watcher));
  controller_.emplace(
      io_, *kernel_, *watcher_, controller_config(options_),
      ControllerHooks{.ready = [this] { become_ready(); },
                      .failed = [this](const Error& error) { fail_with(error); },
                      .left = [this] { stop(Leaving::for_good); },
                      .progress = [this](const std::string& text) { show_progress(text); }});
  boosts_.emplace(io_, *controller_);
  service_.emplace(io_, *controller_, *boosts_, budget_);
  controller_->set_listener(&*service_);
  if (!options_.varlink_socket.empty())
    varlink_.emplace(io_, *controller_, *boosts_, budget_, options_.varlink_socket);
  for (const auto signal : {SIGTERM, SIGINT, SIGHUP})
    signals_.add(signal);
  wait_for_signal();
  keep_alive();
  return {};
}

// Scheduling depends on neither: where one is missing there is the other, and the signals.
void App::serve() {
  service_->start();
  if (!varlink_)
    return;
  if (const auto listening = varlink_->start(); !listening)
    log::warning({}, "no Varlink: {}", listening.error());
}

void App::watch_policy() {
  if (!options_.watch_policy)
    return;
  policy_watch_.emplace(io_, watched_directories(options_), policy_reader(options_), [this] {
    log::info({}, "the policy's files have changed");
    reload();
  });
  if (const auto watching = policy_watch_->start(); !watching)
    log::warning({}, "--watch: {}; only a reload reads the policy again", watching.error());
}

void App::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error)
      return;
    if (signal == SIGTERM)
      stop_as_asked();
    else if (signal == SIGINT)
      return stop(Leaving::for_good);
    else
      reload();
    wait_for_signal();
  });
}

void App::keep_alive() {
  const auto interval = notifier_.keep_alive_interval();
  if (!interval)
    return;
  notifier_.keep_alive();
  keep_alive_timer_.expires_after(*interval);
  keep_alive_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error)
      keep_alive();
  });
}

void App::become_ready() {
  ready_ = true;
  log::info({.message_id = message::kRunning}, "fiefd {} is running", FIEF_VERSION);
  notifier_.ready("running");
}

void App::show_progress(const std::string& text) {
  if (ready_)
    notifier_.status(text);
  else
    notifier_.extend(text, kLongStep);
}

void App::reload() {
  notifier_.reloading();
  controller_->perform(Reload{}, {}, [this](const Status& outcome) {
    // Before the first READY=1 a reload is a part of starting.
    if (ready_)
      notifier_.ready(outcome ? "the policy was reloaded"
                              : "reload failed: " + outcome.error().message);
  });
}

// The service manager's SIGTERM may be half of a restart, which keeps everything attached.
void App::stop_as_asked() {
  if (controller_->on_stop() == OnStop::keep)
    return stop(Leaving::keep);
  service_manager_.ask_whether_restarting(
      [this](bool restarting) { stop(restarting ? Leaving::keep : Leaving::for_good); });
}

void App::stop(Leaving leaving) {
  const bool keep = leaving == Leaving::keep;
  notifier_.stopping(keep ? "the schedulers stay attached"
                          : "every task returns to the kernel's own scheduler");
  notifier_.extend("leaving", kLongStep);
  if (const auto left = controller_->stop(leaving); left) {
    log::info({.message_id = keep ? message::kKept : message::kStopped}, "{}",
              keep ? "fiefd has stopped and its schedulers stay attached: the next start goes on "
                     "with them, and \"fiefd --leave\" detaches them"
                   : "fiefd has left: every task is on the kernel's own scheduler");
  } else {
    log::error({.message_id = message::kStopped}, "fiefd could not leave cleanly: {}",
               left.error());
    status_ = ExitStatus::failed;
  }
  service_->stop();
  if (varlink_)
    varlink_->stop();
  if (policy_watch_)
    policy_watch_->stop();
  io_.stop();
}

void App::fail_with(const Error& error) {
  const auto hopeless = is_final(error.code);
  log::error({.message_id = message::kUnusable}, "fiefd cannot run: {}", error);
  notifier_.status("failed: " + error.message);
  status_ = hopeless ? ExitStatus::hopeless : ExitStatus::failed;
  if (controller_)
    static_cast<void>(controller_->stop(Leaving::for_good));
  io_.stop();
}

}  // namespace fief
