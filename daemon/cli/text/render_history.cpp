// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/render_history.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/text/journal_time.hpp"
#include "core/utf8.hpp"
#include "status/json_values.hpp"
#include "status/view_json.hpp"

namespace fief::cli {
namespace {

using json::Json;

constexpr std::string_view kTimeHeading = "TIME";
constexpr std::string_view kGap = "  ";
constexpr std::size_t kTimeWidth = sizeof("2026-11-27 18:30:05") - 1;
constexpr std::size_t kRequesterWidth = sizeof("uid 65534") - 1;

// The same for every line, so that lines can be printed as they come.
std::size_t event_width() {
  std::size_t width = 0;
  for (const auto& event : history_events())
    width = std::max(width, event.name.size());
  return width;
}

std::string padded(const std::string& text, std::size_t width, Paint paint, const Style& style) {
  const auto used = columns(text);
  return painted(text, paint, style) + std::string(used < width ? width - used : 0, ' ');
}

std::string line_of(const std::string& time, const std::string& event, const std::string& requester,
                    const std::string& text, Paint time_paint, Paint event_paint, Paint text_paint,
                    const Style& style) {
  std::string line = padded(time, kTimeWidth, time_paint, style);
  line += kGap;
  line += padded(event, event_width(), event_paint, style);
  line += kGap;
  line += padded(requester, kRequesterWidth, text_paint, style);
  line += kGap;
  return line + painted(text, text_paint, style) + '\n';
}

Paint paint_of(const HistoryEntry& entry) {
  const auto events = history_events();
  const auto found = std::ranges::find(events, entry.event, &HistoryEvent::name);
  return found == events.end() ? Paint::plain : found->paint;
}

// Names of cgroups and reasons are others' words: no line of theirs begins a line here, and none
// moves the cursor. What to_utf8() leaves of control characters has one byte, or is U+0080 to
// U+009F.
std::string on_one_line(const std::string& text) {
  const auto valid = to_utf8(text);
  std::string line;
  for (std::size_t at = 0; at < valid.size(); ++at) {
    const auto byte = static_cast<unsigned char>(valid[at]);
    const bool is_c1 =
        byte == 0xc2 && at + 1 < valid.size() && static_cast<unsigned char>(valid[at + 1]) < 0xa0;
    if (is_c1)
      ++at;
    if (is_c1 || byte < 0x20 || byte == 0x7f)
      line += ' ';
    else
      line += valid[at];
  }
  return line;
}

// A null for what is not there, so that every entry has the same members.
Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace

std::string render_history_heading(const Style& style) {
  return line_of(std::string(kTimeHeading), "EVENT", "BY", "WHAT", Paint::bold, Paint::bold,
                 Paint::bold, style);
}

std::string render_entry(const HistoryEntry& entry, const Style& style) {
  return line_of(render_moment(entry.time_usec), entry.event,
                 entry.requester ? fmt::format("uid {}", *entry.requester) : "",
                 on_one_line(entry.text), Paint::dim, paint_of(entry), Paint::plain, style);
}

std::string render_history(const std::vector<HistoryEntry>& entries, const Style& style) {
  auto text = render_history_heading(style);
  const HistoryEntry* last = nullptr;
  for (const auto& entry : entries) {
    if (last != nullptr && last->boot != entry.boot)
      text += painted("-- boot " + entry.boot + " --", Paint::dim, style) + '\n';
    text += render_entry(entry, style);
    last = &entry;
  }
  return text;
}

Json to_json(const HistoryEntry& entry) {
  return {{"time_usec", entry.time_usec},
          {"boot", entry.boot},
          {"event", entry.event},
          {"cgroup", text_or_null(entry.cgroup)},
          {"delegation", text_or_null(entry.delegation)},
          {"subject", text_or_null(entry.subject)},
          {"scheduler", text_or_null(entry.scheduler)},
          {"plan", json::or_null(entry.plan)},
          {"cause", text_or_null(entry.cause)},
          {"requester_uid", json::or_null(entry.requester)},
          {"requester_pid", json::or_null(entry.requester_pid)},
          {"text", entry.text}};
}

Json to_json(const std::vector<HistoryEntry>& entries) {
  auto list = Json::array();
  for (const auto& entry : entries)
    list.push_back(to_json(entry));
  return {{"schema", kStatusSchema}, {"entries", std::move(list)}};
}

}  // namespace fief::cli
