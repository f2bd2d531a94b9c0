// SPDX-License-Identifier: GPL-2.0-only
#include "cli/commands/change_options.hpp"

namespace fief::cli {
namespace {

using Run = std::function<int()>;

CLI::App* add_command(CLI::App& app, ChangeLine& line, const std::string& name,
                      const std::string& help) {
  auto* command = app.add_subcommand(name, help);
  command->add_flag("--json", line.options.json, "Print JSON");
  return command;
}

CLI::App* add_subject_command(CLI::App& app, ChangeLine& line, const std::string& name,
                              const std::string& help) {
  auto* command = add_command(app, line, name, help);
  command
      ->add_option("CGROUP|NAME", line.options.subject,
                   "A cgroup's path or its last part, or a delegation's name")
      ->required()
      ->option_text(" ");
  return command;
}

void add_runtime(CLI::App& command, ChangeLine& line) {
  command.add_flag("--runtime", line.options.until_restart,
                   "Only until the daemon restarts; else the change is kept in a drop-in");
}

void add_set(CLI::App& app, ChangeLine& line, Run& run) {
  auto* command =
      add_subject_command(app, line, "set", "Change what a cgroup gets: weight=300 max-cpus=2.5");
  add_runtime(*command, line);
  command
      ->add_option("ASSIGNMENT", line.assignments,
                   "KEY=VALUE, keys of the policy, see fief-policy(5)")
      ->required()
      ->option_text(" ");
  command->callback(
      [&line, &run] { run = [&line] { return set_command(line.options, line.assignments); }; });
}

void add_attach(CLI::App& app, ChangeLine& line, Run& run) {
  auto* command =
      add_subject_command(app, line, "attach", "Give a cgroup a scheduler, or another one");
  add_runtime(*command, line);
  command->add_option("--scheduler", line.scheduler, "Name of the scheduler")->option_text("NAME");
  command->add_option("--option", line.scheduler_options, "Option of the scheduler; repeatable")
      ->option_text("NAME=VALUE")
      ->allow_extra_args(false);
  command->callback([&line, &run] {
    run = [&line] { return attach_command(line.options, line.scheduler, line.scheduler_options); };
  });
}

void add_detach(CLI::App& app, ChangeLine& line, Run& run) {
  auto* command =
      add_subject_command(app, line, "detach", "Take a cgroup its scheduler; its tasks run on");
  add_runtime(*command, line);
  command->callback([&line, &run] { run = [&line] { return detach_command(line.options); }; });
}

void add_revert(CLI::App& app, ChangeLine& line, Run& run) {
  auto* command =
      add_subject_command(app, line, "revert", "Undo every change made by set, attach and detach");
  command->callback([&line, &run] { run = [&line] { return revert_command(line.options); }; });
}

void add_kill(CLI::App& app, ChangeLine& line, Run& run) {
  auto* command = add_subject_command(
      app, line, "kill", "End a cgroup's scheduler as a failure would, whoever attached it");
  command->add_option("--reason", line.reason, "For the journal and the kernel's record")
      ->option_text("TEXT");
  command->callback(
      [&line, &run] { run = [&line] { return kill_command(line.options, line.reason); }; });
}

void add_replan(CLI::App& app, ChangeLine& line, Run& run) {
  auto* command = add_command(app, line, "replan", "Read everything afresh and plan");
  command->add_flag("--from-scratch", line.from_scratch, "Without regard to who has which CPUs");
  command->callback([&line, &run] {
    run = [&line] { return replan_command(line.options.json, line.from_scratch); };
  });
}

void add_leave(CLI::App& app, ChangeLine& line, Run& run) {
  auto* command = add_command(app, line, "leave", "Detach every scheduler and end the service");
  command->callback([&line, &run] { run = [&line] { return leave_command(line.options.json); }; });
}

}  // namespace

void add_change_commands(CLI::App& app, ChangeLine& line, Run& run) {
  for (const auto add :
       {add_set, add_attach, add_detach, add_revert, add_kill, add_replan, add_leave})
    add(app, line, run);
}

}  // namespace fief::cli
