// SPDX-License-Identifier: GPL-2.0-only
// fiefd: options and exit statuses. What it does is in app/app.cpp.
#include <CLI/CLI.hpp>
#include <exception>
#include <memory>

#include "app/app.hpp"
#include "core/background_sink.hpp"
#include "core/log.hpp"
#include "kernel/bpf_kernel.hpp"

namespace {

struct Options {
  fief::AppOptions app;
  fief::BpfKernelConfig kernel;
  std::string log_level = "info";
  bool leave = false;
};

void declare(CLI::App& cli, Options& options) {
  cli.set_version_flag("--version", "fiefd " FIEF_VERSION);
  auto* file = cli.add_option("--policy", options.app.policy_files,
                              "Policy file, instead of the usual ones; may be repeated");
  cli.add_option("--policy-dir", options.app.policy_directories,
                 "Directory with policy.json and policy.d/, instead of the usual ones")
      ->excludes(file);
  cli.add_flag("--watch", options.app.watch_policy, "Reload the policy when its files change");
  cli.add_option("--cgroup-root", options.app.cgroup_mount, "Mount point of the cgroup2 hierarchy")
      ->capture_default_str();
  cli.add_option("--bpf-dir", options.kernel.object_dir, "Directory of the BPF schedulers")
      ->capture_default_str();
  cli.add_option("--pin-dir", options.kernel.pin_dir,
                 "Directory on a bpffs where schedulers outlive the daemon")
      ->capture_default_str();
  cli.add_option("--state-dir", options.app.state_directory,
                 "Directory where the last good policy outlives the daemon")
      ->capture_default_str();
  cli.add_option("--varlink", options.app.varlink_socket,
                 "Socket of the Varlink interface; \"\" for none")
      ->capture_default_str();
  cli.add_flag("--leave", options.leave,
               "Detach every scheduler that an earlier fiefd left attached, and end");
  cli.add_option("--log-level", options.log_level, "debug, info, notice, warning or error")
      ->capture_default_str();
}

// For when no daemon runs that could be asked.
int leave(const fief::BpfKernelConfig& kernel) {
  const auto left = fief::end_left_schedulers(kernel.pin_dir);
  if (!left)
    fief::log::error({}, "--leave: {}", left.error());
  return static_cast<int>(left ? fief::ExitStatus::clean : fief::ExitStatus::failed);
}

int run(const Options& options) {
  const auto level = fief::log::parse_level(options.log_level);
  if (!level) {
    fief::log::error({}, "--log-level: {}", level.error());
    return static_cast<int>(fief::ExitStatus::hopeless);
  }
  fief::log::set_level(*level);
  if (options.leave)
    return leave(options.kernel);
  fief::App app(options.app, [&options](boost::asio::io_context& io) {
    return fief::make_bpf_kernel(io, options.kernel);
  });
  return static_cast<int>(app.run());
}

}  // namespace

int main(int argc, char** argv) {
  fief::log::set_sink(std::make_unique<fief::log::BackgroundSink>(fief::log::default_sink()));
  CLI::App cli{"Gives each workload its own scheduler and its own CPUs."};
  Options options;
  declare(cli, options);
  try {
    cli.parse(argc, argv);
    return run(options);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? 0 : static_cast<int>(fief::ExitStatus::hopeless);
  } catch (const std::exception& error) {
    // Nothing of fief throws for what can be expected: out of memory, or a defect.
    fief::log::error({}, "fiefd ends: {}", error.what());
    return static_cast<int>(fief::ExitStatus::failed);
  }
}
