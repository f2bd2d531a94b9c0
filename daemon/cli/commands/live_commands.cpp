// SPDX-License-Identifier: GPL-2.0-only
// The commands that show what the running daemon says, once or for as long as one looks.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "cli/client/client.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/listen.hpp"
#include "cli/commands/metrics_server.hpp"
#include "cli/commands/monitor.hpp"
#include "cli/commands/terminal.hpp"
#include "cli/offline/named_cgroups.hpp"
#include "cli/text/cpu_map.hpp"
#include "cli/text/cpu_rights.hpp"
#include "cli/text/metrics.hpp"
#include "cli/text/render_policy.hpp"
#include "cli/text/style.hpp"
#include "cli/text/usage.hpp"
#include "core/atomic_file.hpp"
#include "core/printable.hpp"
#include "policy/load.hpp"
#include "status/json_values.hpp"
#include "status/plan_document.hpp"
#include "status/policy_json.hpp"
#include "status/view_json.hpp"

namespace fief::cli {
namespace {

using std::chrono::steady_clock;

constexpr int kIndent = 2;
constexpr std::size_t kMaxDump = 64U << 20;

// The daemon's plan as a map. What it sends is not the caller's input: nothing of it is invalid.
Result<CpuMap> fetch_plan(Transport& daemon) {
  const auto map_of = [](const Answer& answer) -> Result<CpuMap> {
    const auto& text = answer.json;
    const auto topology = topology_from_json("GetPlan", text);
    const auto cgroups = cgroups_from_json("GetPlan", text).and_then(make_tree);
    if (!topology || !cgroups)
      return tl::unexpected(topology ? cgroups.error() : topology.error());
    return plan_from_json("GetPlan", text, *cgroups).map([&](const Plan& plan) {
      return make_cpu_map(*topology, *cgroups, plan);
    });
  };
  auto map = daemon.call("GetPlan", {}).and_then(map_of);
  if (!map)
    return fail(map.error().code == Errc::invalid ? Errc::io : map.error().code, "{}",
                map.error().message);
  return map;
}

// The policy of these files, for which no daemon is needed.
Result<ShownPolicy> policy_of_files(const std::vector<std::string>& files) {
  const auto sources = files.empty() ? read_policy({}) : read_policy_files(files, FileTrust::any);
  auto faults = sources.unread;
  if (faults.empty()) {
    auto shown = show_policy(sources.texts);
    if (shown)
      return std::move(*shown);
    faults = shown.error();
  }
  return fail(Errc::infeasible, "the policy has faults\n{}", format_faults(faults));
}

/// A look at the daemon, and when it was.
struct Sample {
  StatusView status;
  steady_clock::time_point at;
};

Result<Sample> take_sample(Transport& daemon) {
  auto status = status_of(daemon);
  if (!status)
    return tl::unexpected(status.error());
  return Sample{std::move(*status), steady_clock::now()};
}

UsageReport compare(const Sample& before, const Sample& after) {
  return compare_usage(before.status, after.status,
                       std::chrono::duration<double>(after.at - before.at).count());
}

std::string render_top(const UsageReport& report, const StatusView& status) {
  return fmt::format("fiefd is {}, plan {}, {:.1f} s  (q quits)\n\n{}", status.state,
                     status.plan_number, report.seconds, render_usage(report, detect_style()));
}

int top_once(Transport& daemon, std::chrono::milliseconds interval, bool json) {
  const auto before = take_sample(daemon);
  std::this_thread::sleep_for(interval);
  const auto after = before ? take_sample(daemon) : before;
  if (!after)
    return report(after.error(), json);
  const auto usage = compare(*before, *after);
  fmt::print("{}", json ? to_json(usage, kIndent) + '\n' : render_usage(usage, detect_style()));
  return kDone;
}

// Draws until somebody quits; the failure that ended it otherwise.
Status top_live(Transport& daemon, std::chrono::milliseconds interval) {
  const auto screen = Screen::open();
  if (!screen)
    return fail(Errc::unsupported, "standard output is no terminal; use --once");
  auto last = take_sample(daemon);
  bool quit = !last || screen->wait_for_quit(std::chrono::milliseconds{300});
  while (!quit) {
    auto now = take_sample(daemon);
    if (!now)
      return tl::unexpected(now.error());
    screen->draw(render_top(compare(*last, *now), now->status));
    last = std::move(now);
    quit = screen->wait_for_quit(interval);
  }
  return last ? Status{} : tl::unexpected(last.error());
}

bool print_announcement(const Announcement& announcement, bool json) {
  const auto now = std::chrono::system_clock::now();
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  if (json)
    fmt::print("{}\n", json::to_text({{"schema", kStatusSchema},
                                      {"time_usec", usec.count()},
                                      {"event", announcement.event},
                                      {"cgroup", announcement.cgroup},
                                      {"details", announcement.details}}));
  else
    fmt::print("{:%H:%M:%S}.{:03} {}\n", fmt::localtime(std::chrono::system_clock::to_time_t(now)),
               usec.count() / 1000 % 1000, to_line(announcement));
  return std::fflush(stdout) == 0;
}

// What the daemon says for people and for programs.
int print_texts(const Result<Answer>& said, bool json) {
  if (!said)
    return report(said.error(), json);
  fmt::print("{}", json ? json::to_text(json::Json::parse(said->json), kIndent) + '\n'
                        : printable_lines(said->text));
  return kDone;
}

}  // namespace

int policy_show_command(const PolicyShowOptions& options) {
  const auto shown = options.offline || !options.files.empty()
                         ? policy_of_files(options.files)
                         : ask("GetPolicy").and_then([](const Answer& answer) {
                             return policy_from_json(answer.json);
                           });
  if (!shown)
    return report(shown.error(), options.json);
  fmt::print("{}", options.json ? to_json(*shown, kIndent) + '\n'
                                : render_policy(*shown, options.defaults, detect_style()));
  return kDone;
}

int map_command(bool json) {
  const auto daemon = connect();
  const auto status = daemon ? status_of(**daemon) : tl::unexpected(daemon.error());
  const auto plan = status ? fetch_plan(**daemon) : tl::unexpected(status.error());
  if (!plan)
    return report(plan.error(), json);
  const auto rights = cpu_rights(*status);
  if (json) {
    fmt::print("{}\n", to_json(rights, *plan, kIndent));
    return kDone;
  }
  const auto style = detect_style();
  fmt::print("{}\n{}{}", render_map(*plan, style),
             status->as_planned
                 ? ""
                 : painted("the kernel does not hold the plan; it holds:\n", Paint::bad, style),
             render_cpu_rights(rights, style));
  return kDone;
}

int metrics_command(const MetricsOptions& options) {
  if (!options.listen.empty()) {
    const auto served = listen_at(options.listen).and_then([](UniqueFd&& listening) {
      return serve_metrics(std::move(listening), fetch_status);
    });
    return served ? kDone : report(served.error(), false);
  }
  const auto status = fetch_status();
  if (!status)
    return report(status.error(), false);
  const auto prometheus = options.prometheus || !options.directory.empty();
  const auto text =
      render_metrics(*status, prometheus ? MetricsFormat::prometheus : MetricsFormat::openmetrics);
  if (options.directory.empty()) {
    fmt::print("{}", text);
    return kDone;
  }
  // A collector must never see a part.
  const auto written = replace_file(options.directory, "fief.prom", text);
  if (written)
    return kDone;
  return report(
      {written.error().code, fmt::format("{}: {}", options.directory, written.error().message)},
      false);
}

int monitor_command(bool json) {
  signal(SIGPIPE, SIG_IGN);  // a reader that goes ends it by a failing flush
  const auto status = connect().and_then([json](const Connection& daemon) {
    return daemon->follow([json](const Announcement& announcement) {
      return print_announcement(announcement, json);
    });
  });
  return status ? kDone : report(status.error(), json);
}

int top_command(const TopOptions& options) {
  const auto daemon = connect();
  if (!daemon)
    return report(daemon.error(), options.json);
  const std::chrono::milliseconds interval(static_cast<std::int64_t>(options.seconds * 1000));
  if (options.once || options.json)
    return top_once(**daemon, interval, options.json);
  const auto ended = top_live(**daemon, interval);
  return ended ? kDone : report(ended.error(), false);
}

bool daemon_runs() {
  const auto daemon = connect();
  return daemon && (*daemon)->daemon_runs();
}

int explain_running_command(const std::string& subject, bool json) {
  return print_texts(ask("Explain", {{"subject", subject}}), json);
}

int preview_reload_command(bool json) {
  return print_texts(ask("PreviewReload"), json);
}

int dump_command() {
  const auto text =
      connect()
          .and_then(
              [](const Connection& daemon) { return daemon->open("DumpByFileDescriptor", {}); })
          .and_then([](const UniqueFd& dump) { return read_all(dump.get(), kMaxDump); });
  if (!text)
    return report(text.error(), false);
  fmt::print("{}", *text);
  return kDone;
}

}  // namespace fief::cli
