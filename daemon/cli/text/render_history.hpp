// SPDX-License-Identifier: GPL-2.0-only
// The history as text for people and as JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/text/history.hpp"
#include "cli/text/style.hpp"
#include "status/json_values.hpp"

namespace fief::cli {

/// The heading of the lines that render_entry() makes.
std::string render_history_heading(const Style& style);
/// One line: when, what, who asked, and the sentence whole, however wide that makes the line.
std::string render_entry(const HistoryEntry& entry, const Style& style);
/// All of them under the heading, a line between two boots.
std::string render_history(const std::vector<HistoryEntry>& entries, const Style& style);

json::Json to_json(const HistoryEntry& entry);
/// All of them as one document.
json::Json to_json(const std::vector<HistoryEntry>& entries);

}  // namespace fief::cli
