// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/text/cgroup_outline.hpp"
#include "cli/text/cpu_names.hpp"
#include "cli/text/table.hpp"
#include "cli/text/waiting.hpp"
#include "core/printable.hpp"
#include "status/view_facts.hpp"

namespace fief::cli {
namespace {

Paint paint_of(SchedulerState state) {
  switch (state) {
    case SchedulerState::attached:
      return Paint::good;
    case SchedulerState::waiting:
    case SchedulerState::detached:
      return Paint::dim;
    case SchedulerState::attaching:
    case SchedulerState::backing_off:
      return Paint::warn;
    case SchedulerState::quarantined:
      break;
  }
  return Paint::bad;
}

bool is_attached(const SchedulerView& view) {
  return view.state == SchedulerState::attached;
}

std::string cpus(CpuTime time) {
  return fmt::format("{:.2f}", to_cpus(time));
}

std::string plural(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string held(const SchedulerView& view, const CpuNames& names) {
  const auto lent = borrowable(view).size();
  return names.render(held_exclusive(view), held_shared(view)) +
         (lent == 0 ? std::string{} : fmt::format(" +{} lent", lent));
}

Cell state_cell(const SchedulerView& view) {
  if (is_absent(view))
    return {why_absent(view), Paint::dim};
  const auto* foreign = view.foreign ? ", foreign" : "";
  return {fmt::format("{}{}", to_string(view.state), foreign), paint_of(view.state)};
}

// What is wrong with a scheduler, each in a sentence.
std::vector<std::string> complaints(const SchedulerView& view, const CpuNames& names) {
  std::vector<std::string> found;
  if (is_attached(view) && !view.as_planned)
    found.push_back(fmt::format("not as planned: holds {}, should hold {}", held(view, names),
                                names.render(view.planned_exclusive, view.planned_shared)));
  if (!view.last_error.empty())
    found.push_back(view.last_error);
  if (view.state == SchedulerState::quarantined)
    found.push_back(
        fmt::format("\"fiefctl attach {0}\" tries again, \"fiefctl revert {0}\" takes "
                    "back what was changed",
                    view.path));
  return found;
}

Paint paint_of_complaint(const SchedulerView& view) {
  return is_attached(view) ? Paint::warn : Paint::bad;
}

std::string plan_phrase(const StatusView& status, const Style& style) {
  if (status.plan_number == 0)
    return "no plan yet";
  if (status.as_planned)
    return fmt::format("plan {} in force", status.plan_number);
  return painted(fmt::format("plan {} not in force everywhere", status.plan_number), Paint::bad,
                 style);
}

std::string headline(const StatusView& status, const Style& style) {
  const bool well = status.state == "running" && status.as_planned;
  const auto* mark = style.utf8 ? "●" : "*";
  const auto attached =
      std::count_if(status.schedulers.begin(), status.schedulers.end(), is_attached);
  return fmt::format("{} fief {} is {}: {}, {} attached, {}\n",
                     painted(mark, well ? Paint::good : Paint::bad, style), status.version,
                     painted(status.state, well ? Paint::good : Paint::bad, style),
                     plural(status.nr_cpus, "CPU"), plural(attached, "scheduler"),
                     plan_phrase(status, style));
}

std::string policy_lines(const StatusView& status, const Style& style) {
  std::string text;
  if (!status.policy_file.empty())
    text += fmt::format("  policy: {}\n", printable(status.policy_file));
  if (!status.policy_error.empty())
    text += painted(fmt::format("  the policy files were refused: {}",
                                printable_lines(status.policy_error)),
                    Paint::bad, style) +
            '\n';
  return text;
}

std::string or_dash(bool known, std::string text) {
  return known ? std::move(text) : "-";
}

// What sleeps is due nothing before it wakes, however little it holds meanwhile.
std::string due_now(const SchedulerView& view) {
  return view.entitlement.awake ? cpus(view.entitlement.cpus) : "asleep";
}

// What everybody is due when all are busy, beside what is due now, where the terminal has room for
// both.
constexpr std::size_t kRoomForNominal = 96;

bool has_room_for_nominal(const Style& style) {
  return style.whole || style.width >= kRoomForNominal;
}

std::vector<Cell> tree_row(const OutlineLine& line, const CpuNames& names) {
  if (line.view == nullptr)
    return {{with_short_ids(line.text)}, {}, {}, {}, {}, {}, {}, {}};
  const auto& view = *line.view;
  const bool attached = is_attached(view);
  const bool astray = attached && !view.as_planned;
  return {{with_short_ids(line.text)},
          {view.scheduler},
          state_cell(view),
          {or_dash(view.weight != 0, fmt::format("{}", view.weight))},
          {or_dash(attached, due_now(view))},
          {or_dash(attached, cpus(view.entitlement.nominal))},
          {or_dash(attached, held(view, names)), astray ? Paint::bad : Paint::plain},
          {or_dash(attached, render_duration(view.usage_usec))}};
}

void add_complaints(Table& table, const SchedulerView& view, const std::string& lead,
                    const CpuNames& names) {
  for (const auto& complaint : complaints(view, names))
    table.add_note(lead, {"! " + complaint, paint_of_complaint(view)});
}

}  // namespace

std::string render_status(const StatusView& status, const Style& style) {
  const CpuNames names(status);
  Table table(
      {{"CGROUP", false, true}, {"SCHEDULER"}, {"STATE"}, {"CPUS DUE", true}, {"NOMINAL", true}});
  for (const auto& view : status.schedulers) {
    table.add_row({{view.path.empty() ? view.pattern : with_short_ids(view.path)},
                   {view.scheduler},
                   state_cell(view),
                   {or_dash(is_attached(view), due_now(view))},
                   {or_dash(is_attached(view), cpus(view.entitlement.nominal))}});
    add_complaints(table, view, "  ", names);
  }
  return headline(status, style) + policy_lines(status, style) +
         (status.schedulers.empty() ? "" : '\n' + table.render(style));
}

std::string render_tree(const StatusView& status, const Style& style) {
  if (status.schedulers.empty())
    return headline(status, style);
  const CpuNames names(status);
  constexpr std::ptrdiff_t kNominal = 5;
  std::vector<Column> columns{{"CGROUP", false, true},
                              {"SCHEDULER"},
                              {"STATE"},
                              {"WEIGHT", true},
                              {"DUE", true},
                              {"NOMINAL", true},
                              {fmt::format("{} HELD", names.heading()), false, true},
                              {"CPU TIME", true}};
  const bool with_nominal = has_room_for_nominal(style);
  if (!with_nominal)
    columns.erase(columns.begin() + kNominal);
  Table table(std::move(columns));
  for (const auto& line : draw(outline(status), style)) {
    auto row = tree_row(line, names);
    if (!with_nominal)
      row.erase(row.begin() + kNominal);
    table.add_row(std::move(row));
    if (line.view != nullptr)
      add_complaints(table, *line.view, line.lead, names);
  }
  for (const auto& view : status.schedulers)
    if (view.path.empty())
      table.add_row(tree_row({.text = view.pattern, .lead = {}, .view = &view}, names));
  return table.render(style);
}

std::string render_plan(const StatusView& planned, const Style& style) {
  const CpuNames names(planned);
  Table table({{"CGROUP", false, true},
               {"SCHEDULER"},
               {"WEIGHT", true},
               {"DUE", true},
               {std::string(names.heading()), false, true}});
  for (const auto& line : draw(outline(planned), style)) {
    if (line.view == nullptr) {
      table.add_row({{with_short_ids(line.text)}, {}, {}, {}, {}});
      continue;
    }
    const auto& view = *line.view;
    table.add_row({{with_short_ids(line.text)},
                   {view.scheduler},
                   {or_dash(view.weight != 0, fmt::format("{}", view.weight))},
                   {cpus(view.entitlement.cpus)},
                   {names.render(view.planned_exclusive, view.planned_shared)}});
  }
  return table.render(style);
}

std::string render_duration(std::uint64_t usec) {
  const auto seconds = usec / 1'000'000;
  if (seconds == 0)
    return fmt::format("{}ms", usec / 1000);
  const auto fraction = static_cast<double>(usec % 60'000'000) / 1e6;
  if (seconds < 60)
    return fmt::format("{:.3f}s", fraction);
  if (seconds < 3600)
    return fmt::format("{}min {:.1f}s", seconds / 60, fraction);
  return fmt::format("{}h {}min", seconds / 3600, seconds % 3600 / 60);
}

}  // namespace fief::cli
