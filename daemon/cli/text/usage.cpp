// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/text/table.hpp"
#include "status/json_values.hpp"
#include "status/view_facts.hpp"

namespace fief::cli {
namespace {

constexpr int kSchema = 1;
constexpr std::size_t kBarWidth = 20;
// Less is the rounding of cpu.stat.
constexpr double kNoticeable = 0.005;

/// CPUs, from a counter of CPU time with so many units a second. A cgroup made anew, or a scheduler
/// attached anew, counts from zero.
template <class Read>
double cpus_between(const SchedulerView* before, const SchedulerView& after, double seconds,
                    double units, Read read) {
  if (before == nullptr || before->cgroup != after.cgroup || read(*before) > read(after))
    return 0;
  return static_cast<double>(read(after) - read(*before)) / units / seconds;
}

TimeHistogram waits_between(const SchedulerView* before, const SchedulerView& after) {
  if (before == nullptr || before->cgroup != after.cgroup)
    return after.counters.wake_waits;
  return since(before->counters.wake_waits, after.counters.wake_waits);
}

std::optional<double> limit_of(const SchedulerView& view) {
  return view.entitlement.limit ? std::optional(to_cpus(*view.entitlement.limit)) : std::nullopt;
}

// Nothing: it is not limited, or the interval is shorter than a period.
std::optional<double> throttled_between(const SchedulerView* before, const SchedulerView& after) {
  const auto was =
      before != nullptr && before->cgroup == after.cgroup ? before->counters : Counters{};
  if (after.counters.limit_periods <= was.limit_periods ||
      after.counters.limit_throttled < was.limit_throttled)
    return std::nullopt;
  return static_cast<double>(after.counters.limit_throttled - was.limit_throttled) /
         static_cast<double>(after.counters.limit_periods - was.limit_periods);
}

// A time in a column of times: three digits tell.
std::string wait(const TimeHistogram& waits, double part) {
  if (count_of(waits) == 0)
    return "-";
  const auto us = percentile_us(waits, part);
  if (us < 1000)
    return fmt::format("{:.0f} us", us);
  return us < 1e6 ? fmt::format("{:.3g} ms", us / 1e3) : fmt::format("{:.3g} s", us / 1e6);
}

// Filled: of the machine, used. A mark stands where what is due ends.
std::string bar(const Usage& usage, std::uint32_t cpus, const Style& style) {
  const auto cells = [cpus](double amount) {
    const auto part = cpus == 0 ? 0.0 : std::clamp(amount / cpus, 0.0, 1.0);
    return static_cast<std::size_t>(std::lround(part * kBarWidth));
  };
  std::string text;
  for (std::size_t cell = 0; cell < kBarWidth; ++cell) {
    const bool is_used = cell < cells(usage.used);
    const bool is_due = cell < cells(usage.due);
    if (style.utf8)
      text += is_used ? "█" : is_due ? "░" : " ";
    else
      text += is_used ? '#' : is_due ? '.' : ' ';
  }
  return text;
}

std::string amount(double cpus) {
  return cpus < kNoticeable ? "-" : fmt::format("{:.2f}", cpus);
}

std::string percent(const std::optional<double>& part) {
  return part ? fmt::format("{:.0f} %", *part * 100) : "-";
}

}  // namespace

UsageReport compare_usage(const StatusView& before, const StatusView& after, double seconds) {
  const PathIndex known(before);
  UsageReport report{.seconds = seconds, .cpus = after.nr_cpus, .schedulers = {}};
  for (const auto& view : after.schedulers) {
    const auto* was = known.find(view.path);
    report.schedulers.push_back(
        {.path = view.path,
         .scheduler = view.scheduler,
         .state = std::string(to_string(view.state)),
         .due = to_cpus(view.entitlement.cpus),
         .used = cpus_between(was, view, seconds, 1e6,
                              [](const SchedulerView& at) { return at.usage_usec; }),
         .borrowed = cpus_between(was, view, seconds, 1e9,
                                  [](const SchedulerView& at) { return at.counters.borrowed_ns; }),
         .lent = cpus_between(was, view, seconds, 1e9,
                              [](const SchedulerView& at) { return at.counters.lent_ns; }),
         .limit = limit_of(view),
         .throttled = throttled_between(was, view),
         .waits = waits_between(was, view)});
  }
  return report;
}

std::string render_usage(const UsageReport& report, const Style& style) {
  auto sorted = report.schedulers;
  std::ranges::stable_sort(sorted, std::ranges::greater{}, &Usage::used);
  // Most machines have no limits, and a table has only so much room.
  const bool is_limited =
      std::ranges::any_of(sorted, [](const Usage& usage) { return usage.limit.has_value(); });
  std::vector<Column> columns{{"CGROUP", false, true}, {"SCHEDULER"},      {"DUE", true},
                              {"USED", true},          {"BORROWED", true}, {"LENT", true}};
  if (is_limited)
    columns.insert(columns.end(), {{"LIMIT", true}, {"THROTTLED", true}});
  columns.insert(columns.end(),
                 {{"WAKE P50", true}, {"P99", true}, {fmt::format("OF {} CPUS", report.cpus)}});
  Table table(std::move(columns));
  for (const auto& usage : sorted) {
    std::vector<Cell> cells{{with_short_ids(usage.path)},
                            {usage.scheduler},
                            {amount(usage.due)},
                            {amount(usage.used), Paint::bold},
                            {amount(usage.borrowed), Paint::warn},
                            {amount(usage.lent), Paint::good}};
    if (is_limited)
      cells.insert(cells.end(), {{usage.limit ? amount(*usage.limit) : "-"},
                                 {percent(usage.throttled), Paint::warn}});
    cells.insert(
        cells.end(),
        {{wait(usage.waits, 0.5)}, {wait(usage.waits, 0.99)}, {bar(usage, report.cpus, style)}});
    table.add_row(std::move(cells));
  }
  return table.render(style);
}

std::string to_json(const UsageReport& report, int indent) {
  auto schedulers = json::Json::array();
  for (const auto& usage : report.schedulers)
    schedulers.push_back({{"cgroup", usage.path},
                          {"scheduler", usage.scheduler},
                          {"state", usage.state},
                          {"due", usage.due},
                          {"used", usage.used},
                          {"borrowed", usage.borrowed},
                          {"lent", usage.lent},
                          {"limit", json::or_null(usage.limit)},
                          {"throttled", json::or_null(usage.throttled)},
                          {"wakeups", count_of(usage.waits)},
                          {"wake_p50_us", percentile_us(usage.waits, 0.5)},
                          {"wake_p99_us", percentile_us(usage.waits, 0.99)}});
  return json::to_text({{"schema", kSchema},
                        {"seconds", report.seconds},
                        {"cpus", report.cpus},
                        {"schedulers", std::move(schedulers)}},
                       indent);
}

}  // namespace fief::cli
