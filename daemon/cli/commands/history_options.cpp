// SPDX-License-Identifier: GPL-2.0-only
#include "cli/commands/history_options.hpp"

namespace fief::cli {

void add_history_command(CLI::App& app, HistoryOptions& options, std::function<int()>& run) {
  auto* command = app.add_subcommand("history", "Show what fief did and why, from the journal");
  command
      ->add_option("CGROUP|NAME", options.subjects,
                   "Only what is about these: cgroups' paths or their last parts, or delegations")
      ->option_text(" ");
  command->add_option("-S,--since", options.since, "Not what was before: -1h, today, 2026-11-27")
      ->option_text("TIME");
  auto* until =
      command->add_option("-U,--until", options.until, "Not what came after")->option_text("TIME");
  command->add_option("-n,--lines", options.lines, "The newest only, so many")->option_text("N");
  command->add_flag("-b,--boot", options.this_boot, "Only since the machine was booted");
  command->add_flag("-f,--follow", options.follow, "The last ten, and then what happens")
      ->excludes(until);
  command
      ->add_option("-D,--directory", options.directory,
                   "The journal files there, not this system's")
      ->option_text("DIRECTORY");
  command->add_flag("--json", options.json, "Print JSON; with --follow a line each");
  command->callback([&options, &run] { run = [&options] { return history_command(options); }; });
}

}  // namespace fief::cli
