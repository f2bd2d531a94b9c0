// SPDX-License-Identifier: GPL-2.0-only
// How the history is asked for on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/commands/commands.hpp"

namespace fief::cli {

/// Declares it; if it is chosen it is put into @p run. Both references outlive parsing and running.
void add_history_command(CLI::App& app, HistoryOptions& options, std::function<int()>& run);

}  // namespace fief::cli
