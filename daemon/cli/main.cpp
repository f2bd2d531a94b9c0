// SPDX-License-Identifier: GPL-2.0-only
// fiefctl: the command line of fief. Options and exit statuses only.
#include <CLI/CLI.hpp>
#include <exception>
#include <functional>

#include "cli/client/client.hpp"
#include "cli/commands/change_options.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/history_options.hpp"
#include "cli/commands/live_options.hpp"
#include "kernel/object_directory.hpp"

namespace {

using namespace fief::cli;

/// Everything that can be said on the command line, and the command it chose.
struct CommandLine {
  bool json = false;
  bool check = false;
  bool dry_run = false;
  std::string bpf_dir = fief::kDefaultObjectDirectory;
  std::vector<std::string> files;
  std::vector<std::string> classes;
  std::string subject;
  std::string svg;
  OfflineOptions offline;
  ChangeLine change;
  LiveLine live;
  HistoryOptions history;
  std::function<int()> run;
};

void add_json(CLI::App& command, CommandLine& line) {
  command.add_flag("--json", line.json, "Print JSON");
}

void add_status(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("status", "Show how the daemon and its schedulers are");
  add_json(*command, line);
  command->add_flag("--check", line.check,
                    "Exit with 4 if the kernel does not hold what is planned");
  command->callback(
      [&line] { line.run = [&line] { return status_command(line.json, line.check); }; });
}

void add_tree(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("tree", "Show the schedulers, their CPUs and CPU time");
  add_json(*command, line);
  command->callback([&line] { line.run = [&line] { return tree_command(line.json); }; });
}

void add_reload(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("reload", "Read the policy anew and put it in force");
  add_json(*command, line);
  command->add_flag("--dry-run", line.dry_run, "Show what would change, and change nothing");
  command->callback([&line] {
    line.run = [&line] {
      return line.dry_run ? preview_reload_command(line.json) : reload_command(line.json);
    };
  });
}

void add_machine(CLI::App& command, OfflineOptions& options) {
  command.add_option("--machine", options.machine, "Judge for another machine than this")
      ->option_text("KEY=VALUE,...");
}

void add_check(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("check", "Find every fault of a policy; needs no daemon");
  add_json(*command, line);
  command->add_option("FILE", line.files, "Policy files, merged in this order (this machine's)")
      ->option_text(" ");
  command->add_option("--bpf-dir", line.bpf_dir, "Directory of the BPF schedulers")
      ->option_text("DIR")
      ->capture_default_str();
  add_machine(*command, line.offline);
  command->callback([&line] {
    line.run = [&line] {
      return check_command({.policy = line.files, .machine = line.offline.machine}, line.bpf_dir,
                           line.json);
    };
  });
}

void add_pods(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "pods", "Make a drop-in of \"crictl pods --output json\" on standard input; needs no daemon");
  command->add_option("--class", line.classes, "A class that pods may ask for, may be repeated")
      ->required()
      ->option_text("NAME");
  command->callback([&line] { line.run = [&line] { return pods_command(line.classes); }; });
}

void add_offline_options(CLI::App& command, OfflineOptions& options) {
  command.add_option("--policy", options.policy, "Policy files, merged in this order")
      ->option_text("FILE");
  command
      .add_option("--topology", options.topology,
                  "NODESxLLCSxCORESxTHREADS, \"8x2 + 16 cap=560\", or a file")
      ->option_text("SPEC|FILE");
  command.add_option("--cgroups", options.cgroups, "Cgroups and their weights")
      ->option_text("FILE");
  command.add_option("--previous", options.previous, "A plan to move as little as possible from")
      ->option_text("FILE");
  command.add_option("--member", options.members, "Plan a pattern with at least so many members")
      ->option_text("PATTERN=N");
  add_machine(command, options);
}

void add_plan(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("plan", "Show who would get which CPUs; needs no daemon");
  add_json(*command, line);
  add_offline_options(*command, line.offline);
  command->add_option("--svg", line.svg, "Draw the plan in this file")->option_text("FILE");
  command->callback(
      [&line] { line.run = [&line] { return plan_command(line.offline, line.svg, line.json); }; });
}

bool is_given(const OfflineOptions& options) {
  return !options.policy.empty() || !options.topology.empty() || !options.cgroups.empty() ||
         !options.previous.empty() || !options.machine.empty() || !options.members.empty();
}

void add_explain(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("explain", "Say why a cgroup or CPU is as it is");
  add_json(*command, line);
  command->add_option("CGROUP|CPU", line.subject, "A cgroup's path, or a CPU's number")
      ->required()
      ->option_text(" ");
  add_offline_options(*command, line.offline);
  command->callback([&line] {
    line.run = [&line] {
      return is_given(line.offline) || !daemon_runs()
                 ? explain_command(line.offline, line.subject, line.json)
                 : explain_running_command(line.subject, line.json);
    };
  });
}

int run(int argc, char** argv) {
  CommandLine line;
  CLI::App app{"Shows and controls fief, which gives each workload its own scheduler and CPUs.",
               "fiefctl"};
  app.set_version_flag("--version", "fiefctl " FIEF_VERSION);
  app.require_subcommand(1);
  app.add_option_function<std::string>(
         "--varlink", prefer_socket,
         "Ask the daemon on this Varlink socket (its own, where there is no bus)")
      ->option_text("PATH");
  for (const auto add :
       {add_status, add_tree, add_reload, add_check, add_pods, add_plan, add_explain})
    add(app, line);
  add_change_commands(app, line.change, line.run);
  add_live_commands(app, line.live, line.run);
  add_history_command(app, line.history, line.run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return line.run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // out of memory, or output that cannot be written
    std::cerr << "fiefctl: " << error.what() << '\n';
    return kFailed;
  }
}
