// SPDX-License-Identifier: GPL-2.0-only
// How the commands that look at the running daemon are written on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/commands/commands.hpp"

namespace fief::cli {

struct LiveLine {
  bool json = false;
  bool irqbalance = false;
  PolicyShowOptions policy;
  MetricsOptions metrics;
  TopOptions top;
  std::string subject;
  std::string reason;
  std::vector<std::string> words;
};

/// Declares them; the one that is chosen is put into @p run. Both references outlive parsing and
/// running.
void add_live_commands(CLI::App& app, LiveLine& line, std::function<int()>& run);

}  // namespace fief::cli
