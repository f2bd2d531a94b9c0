// SPDX-License-Identifier: GPL-2.0-only
// fiefctl's commands. Each prints its outcome and returns the exit status.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/offline/check.hpp"
#include "cli/offline/offline.hpp"
#include "core/result.hpp"

namespace fief::cli {

/// Documented in fiefctl(1); never renumbered.
enum ExitStatus : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kBadPolicy = 3,
  kNotAsPlanned = 4,
};

/// Prints "fiefctl: <sentence>" to standard error, as JSON to standard output as well where the
/// caller wants JSON, and returns the status for the kind of failure.
int report(const Error& error, bool json);

/// The same for a request that was typed: what is invalid is the command line.
int report_refusal(const Error& error, bool json);

/// With @p check, observed differing from planned is kNotAsPlanned.
int status_command(bool json, bool check);
int tree_command(bool json);
int reload_command(bool json);
/// What a reload would change.
int preview_reload_command(bool json);

/// What the commands that change one delegation have in common.
struct ChangeOptions {
  std::string subject;  ///< a delegation's name, a cgroup's path or its last part
  bool until_restart = false;
  bool json = false;
};
/// @p assignments: KEY=VALUE of the policy.
int set_command(const ChangeOptions& options, const std::vector<std::string>& assignments);
/// @p scheduler: empty, the one there is. @p scheduler_options: NAME=VALUE.
int attach_command(const ChangeOptions& options, const std::string& scheduler,
                   const std::vector<std::string>& scheduler_options);
int detach_command(const ChangeOptions& options);
int revert_command(const ChangeOptions& options);
int kill_command(const ChangeOptions& options, const std::string& reason);
int replan_command(bool json, bool from_scratch);
int leave_command(bool json);
/// @p words: KEY=VALUE ..., then a command to run, or none to wait for a signal.
int boost_command(const std::string& subject, const std::string& reason,
                  const std::vector<std::string>& words);

struct PolicyShowOptions {
  std::vector<std::string> files;
  bool offline = false;
  bool defaults = false;
  bool json = false;
};
int policy_show_command(const PolicyShowOptions& options);
int map_command(bool json);

/// Which devices interrupt whose CPUs; @p irqbalance: the line for irqbalance instead.
int irq_command(bool irqbalance, bool json);
/// Becomes @p command, which is not empty, with the variables that tell it how many CPUs it is due.
/// @p of: a delegation, as it is named; empty: the one this process is part of.
int run_command(const std::string& of, const std::vector<std::string>& command);

struct MetricsOptions {
  bool prometheus = false;
  std::string directory;  ///< to write fief.prom to; empty: standard output
  std::string listen;     ///< to serve them over HTTP, see listen_at(); empty: print them
};
int metrics_command(const MetricsOptions& options);
int monitor_command(bool json);

struct TopOptions {
  double seconds = 2;  ///< between two looks
  bool once = false;
  bool json = false;
};
int top_command(const TopOptions& options);
int dump_command();

struct HistoryOptions {
  std::vector<std::string> subjects;
  std::string since;  ///< empty: from the beginning
  std::string until;  ///< empty: to the end
  std::optional<std::size_t> lines;
  std::string directory;  ///< of journal files; empty: this system's journal
  bool this_boot = false;
  bool follow = false;
  bool json = false;
};
int history_command(const HistoryOptions& options);
/// Whether there is a daemon to ask.
bool daemon_runs();
/// @p subject: a cgroup's path, a delegation's name, or a CPU's number, as it is in the daemon.
int explain_running_command(const std::string& subject, bool json);

/// Checks @p files as a policy; none: the policy of this machine. Options are judged by the
/// schedulers' objects in @p bpf_dir, as far as there are any. "when" is judged for this machine,
/// with what @p machine says otherwise (see with_facts()).
int check_command(const CheckOptions& options, const std::string& bpf_dir, bool json);
/// Prints the drop-in of pods_drop_in() for the listing on standard input.
int pods_command(const std::vector<std::string>& classes);
/// @p svg: a file for a picture of the plan; empty: none.
int plan_command(const OfflineOptions& options, const std::string& svg, bool json);
/// @p subject: a cgroup's path, or a CPU's number.
int explain_command(const OfflineOptions& options, const std::string& subject, bool json);

}  // namespace fief::cli
