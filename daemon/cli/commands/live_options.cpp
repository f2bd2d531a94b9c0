// SPDX-License-Identifier: GPL-2.0-only
#include "cli/commands/live_options.hpp"

#include <algorithm>
#include <iterator>

namespace fief::cli {
namespace {

using Run = std::function<int()>;

constexpr double kShortest = 0.1;
constexpr double kLongest = 3600;

void add_top(CLI::App& app, LiveLine& line, Run& run) {
  auto* command = app.add_subcommand("top", "Show who uses how much CPU, live");
  command->add_flag("--json", line.top.json, "Print once, as JSON");
  command->add_flag("--once", line.top.once, "Print once");
  command->add_option("--interval", line.top.seconds, "Seconds between two looks")
      ->option_text("SECONDS")
      ->check(CLI::Range(kShortest, kLongest))
      ->capture_default_str();
  command->callback([&line, &run] { run = [&line] { return top_command(line.top); }; });
}

void add_map(CLI::App& app, LiveLine& line, Run& run) {
  auto* command = app.add_subcommand("map", "Show who owns, shares and may borrow each CPU");
  command->add_flag("--json", line.json, "Print JSON");
  command->callback([&line, &run] { run = [&line] { return map_command(line.json); }; });
}

void add_monitor(CLI::App& app, LiveLine& line, Run& run) {
  auto* command = app.add_subcommand("monitor", "Follow what happens, a line each");
  command->add_flag("--json", line.json, "Print JSON, a line each");
  command->callback([&line, &run] { run = [&line] { return monitor_command(line.json); }; });
}

void add_metrics(CLI::App& app, LiveLine& line, Run& run) {
  auto* command = app.add_subcommand("metrics", "Print metrics in the OpenMetrics format");
  command->add_flag("--prometheus", line.metrics.prometheus,
                    "In Prometheus's older text format instead");
  command
      ->add_option("--textfile", line.metrics.directory, "Write fief.prom there, for node_exporter")
      ->option_text("DIRECTORY");
  command->add_option("--listen", line.metrics.listen, "Serve them over HTTP at /metrics")
      ->option_text("HOST:PORT|PATH|systemd")
      ->excludes("--prometheus")
      ->excludes("--textfile");
  command->callback([&line, &run] { run = [&line] { return metrics_command(line.metrics); }; });
}

void add_policy(CLI::App& app, LiveLine& line, Run& run) {
  auto* command = app.add_subcommand("policy", "Show the policy in force");
  command->require_subcommand(1);
  auto* show = command->add_subcommand("show", "Every value, and where it was set");
  show->add_flag("--json", line.policy.json, "Print JSON");
  show->add_flag("--defaults", line.policy.defaults, "Also what was set nowhere");
  show->add_flag("--offline", line.policy.offline, "Of this machine's files, without the daemon");
  show->add_option("FILE", line.policy.files, "Policy files, merged in this order; no daemon")
      ->option_text(" ");
  show->callback([&line, &run] { run = [&line] { return policy_show_command(line.policy); }; });
}

void add_boost(CLI::App& app, LiveLine& line, Run& run) {
  auto* command = app.add_subcommand("boost", "Give a cgroup more while a command runs");
  command->usage("fiefctl boost [OPTIONS] CGROUP|NAME KEY=VALUE... [-- COMMAND [ARGUMENT...]]");
  command->add_option("--reason", line.reason, "For the journal")->option_text("TEXT");
  command
      ->add_option("CGROUP|NAME", line.subject,
                   "A cgroup's path or its last part, or a delegation's name")
      ->required()
      ->option_text(" ");
  // From the first KEY=VALUE on, everything is taken as it stands.
  command->prefix_command();
  command->callback([command, &line, &run] {
    line.words = command->remaining();
    if (const auto mark = std::ranges::find(line.words, "--"); mark != line.words.end())
      line.words.erase(mark);
    run = [&line] { return boost_command(line.subject, line.reason, line.words); };
  });
}

void add_irq(CLI::App& app, LiveLine& line, Run& run) {
  auto* command = app.add_subcommand("irq", "Show which devices interrupt whose CPUs");
  command->add_flag("--irqbalance", line.irqbalance,
                    "Print what tells irqbalance to leave CPUs alone that are kept");
  command->add_flag("--json", line.json, "Print JSON")->excludes("--irqbalance");
  command->callback(
      [&line, &run] { run = [&line] { return irq_command(line.irqbalance, line.json); }; });
}

void add_run(CLI::App& app, LiveLine& line, Run& run) {
  auto* command = app.add_subcommand("run", "Run a program that is told how many CPUs it is due");
  command->usage("fiefctl run [--of CGROUP|NAME] [--] COMMAND [ARGUMENT...]");
  command->add_option("--of", line.subject, "The delegation; else the one this is part of")
      ->option_text("CGROUP|NAME");
  command->add_option("COMMAND", line.words, "The program, and its arguments")
      ->required()
      ->option_text(" ");
  // From the first option on that is not one of these, everything is taken as it stands.
  command->prefix_command();
  command->callback([command, &line, &run] {
    std::ranges::copy(command->remaining(), std::back_inserter(line.words));
    run = [&line] { return run_command(line.subject, line.words); };
  });
}

void add_dump(CLI::App& app, LiveLine& /*line*/, Run& run) {
  app.add_subcommand("dump", "Print everything the daemon knows")->callback([&run] {
    run = [] { return dump_command(); };
  });
}

}  // namespace

void add_live_commands(CLI::App& app, LiveLine& line, Run& run) {
  for (const auto add : {add_top, add_map, add_monitor, add_metrics, add_policy, add_boost, add_irq,
                         add_run, add_dump})
    add(app, line, run);
}

}  // namespace fief::cli
