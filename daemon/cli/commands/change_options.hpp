// SPDX-License-Identifier: GPL-2.0-only
// How the commands that change something are written on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/commands/commands.hpp"

namespace fief::cli {

struct ChangeLine {
  ChangeOptions options;
  std::vector<std::string> assignments;
  std::string scheduler;
  std::vector<std::string> scheduler_options;
  std::string reason;
  bool from_scratch = false;
};

/// Declares them; the one that is chosen is put into @p run. Both references outlive parsing and
/// running.
void add_change_commands(CLI::App& app, ChangeLine& line, std::function<int()>& run);

}  // namespace fief::cli
