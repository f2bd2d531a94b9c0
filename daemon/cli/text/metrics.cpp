// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/metrics.hpp"

#include <fmt/format.h>

#include <functional>
#include <string_view>

#include "core/printable.hpp"
#include "status/view_facts.hpp"

namespace fief::cli {
namespace {

// In label values the two formats escape alike. People look at them in terminals, too.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '\\' || c == '"')
      out += '\\';
    out += c;
  }
  return out;
}

std::string labels_of(const SchedulerView& view) {
  return fmt::format(R"(cgroup="{}",cgroup_id="{}",scheduler="{}")", escaped(view.path),
                     view.cgroup.value, escaped(view.scheduler));
}

double shared_cpus(const SchedulerView& view) {
  double cpus = 0;
  for (const auto& part : held_shared(view))
    cpus += to_cpus(part.fraction);
  return cpus;
}

class Writer {
 public:
  explicit Writer(MetricsFormat format) : format_(format) {}

  void gauge(std::string_view name, std::string_view help) { family(name, "", "gauge", help); }
  // OpenMetrics names the family, Prometheus the samples.
  void counter(std::string_view name, std::string_view help) {
    family(name, format_ == MetricsFormat::prometheus ? "_total" : "", "counter", help);
    suffix_ = "_total";
  }
  void histogram(std::string_view name, std::string_view help) {
    family(name, "", "histogram", help);
  }
  /// One of a histogram's: "_bucket", "_count" or "_sum". @p labels: without braces, "" for none.
  void part(std::string_view which, std::string_view labels, double value) {
    text_ += labels.empty() ? fmt::format("{}{} {}\n", name_, which, value)
                            : fmt::format("{}{}{{{}}} {}\n", name_, which, labels, value);
  }
  void sample(std::string_view labels, double value) { part(suffix_, labels, value); }
  std::string finish() {
    if (format_ == MetricsFormat::openmetrics)
      text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  void family(std::string_view name, std::string_view suffix, std::string_view type,
              std::string_view help) {
    name_ = name;
    suffix_ = "";
    text_ += fmt::format("# HELP {0}{1} {2}\n# TYPE {0}{1} {3}\n", name, suffix, help, type);
  }

  MetricsFormat format_;
  std::string text_;
  std::string name_;
  std::string_view suffix_;
};

struct Family {
  std::string_view name;
  std::string_view help;
  double (*value)(const SchedulerView& view);
};

constexpr Family kGauges[] = {
    {"fief_scheduler_attached", "Whether the scheduler is attached.",
     [](const SchedulerView& v) { return v.state == SchedulerState::attached ? 1.0 : 0.0; }},
    {"fief_scheduler_quarantined", "Whether it failed too often and waits for the administrator.",
     [](const SchedulerView& v) { return v.state == SchedulerState::quarantined ? 1.0 : 0.0; }},
    {"fief_scheduler_as_planned", "Whether the kernel holds what is planned for it.",
     [](const SchedulerView& v) { return v.as_planned ? 1.0 : 0.0; }},
    {"fief_scheduler_weight", "Weight in force, 0 for the root.",
     [](const SchedulerView& v) { return static_cast<double>(v.weight); }},
    {"fief_scheduler_due_cpus", "CPUs it is due now, among those that want to run.",
     [](const SchedulerView& v) { return to_cpus(v.entitlement.cpus); }},
    {"fief_scheduler_nominal_cpus", "CPUs it is due when everybody wants to run.",
     [](const SchedulerView& v) { return to_cpus(v.entitlement.nominal); }},
    {"fief_scheduler_awake", "Whether it wants to run time and again.",
     [](const SchedulerView& v) { return v.entitlement.awake ? 1.0 : 0.0; }},
    {"fief_scheduler_exclusive_cpus", "CPUs it holds alone.",
     [](const SchedulerView& v) { return static_cast<double>(held_exclusive(v).size()); }},
    {"fief_scheduler_shared_cpus", "Its parts of the CPUs it shares, summed up.", shared_cpus},
    {"fief_scheduler_borrowable_cpus", "CPUs it may use while their owners leave them idle.",
     [](const SchedulerView& v) { return static_cast<double>(borrowable(v).size()); }},
};

void write_daemon(Writer& out, const StatusView& status) {
  out.gauge("fief_build_info", "The daemon's version.");
  out.sample(fmt::format(R"(version="{}")", escaped(status.version)), 1);
  out.gauge("fief_state", "1 for the state the daemon is in.");
  for (const auto* state : {"starting", "running", "degraded", "stopping"})
    out.sample(fmt::format(R"(state="{}")", state), status.state == state ? 1 : 0);
  out.gauge("fief_plan", "Number of the plan in force.");
  out.sample("", static_cast<double>(status.plan_number));
  out.gauge("fief_as_planned", "Whether the kernel holds what is planned, everywhere.");
  out.sample("", status.as_planned ? 1 : 0);
  out.gauge("fief_policy_refused",
            "Whether the policy files were refused, at a reload or at the start.");
  out.sample("", status.policy_error.empty() ? 0 : 1);
  out.gauge("fief_cpus", "CPUs that are divided.");
  out.sample("", status.nr_cpus);
}

void write_counters(Writer& out, const StatusView& status) {
  out.counter("fief_scheduler_cpu_seconds", "CPU time the cgroup has used.");
  for (const auto& view : status.schedulers)
    out.sample(labels_of(view), static_cast<double>(view.usage_usec) / 1e6);
  const Counters names;
  for_each_counter(names, [&](const char* wanted, std::uint64_t /*zero*/) {
    out.counter(fmt::format("fief_scheduler_{}", wanted),
                fmt::format("The scheduler's counter \"{}\" since it was attached.", wanted));
    for (const auto& view : status.schedulers)
      for_each_counter(view.counters, [&](const char* name, std::uint64_t value) {
        if (std::string_view(name) == wanted)
          out.sample(labels_of(view), static_cast<double>(value));
      });
  });
}

void write_histogram(Writer& out, const std::string& labels, const TimeHistogram& times) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i + 1 < TimeHistogram::kBuckets; ++i) {
    below += times.counts[i];
    const auto end = static_cast<double>(bucket_end_us(i)) / 1e6;
    out.part("_bucket", fmt::format(R"({},le="{}")", labels, end), static_cast<double>(below));
  }
  const auto all = static_cast<double>(count_of(times));
  out.part("_bucket", labels + R"(,le="+Inf")", all);
  out.part("_count", labels, all);
  out.part("_sum", labels, static_cast<double>(times.sum_us) / 1e6);
}

void write_reactions(Writer& out, const ReactionTimes& reactions) {
  out.histogram("fief_reaction_seconds",
                "How long after a weight was written fiefd had heard of it, began to plan with it, "
                "and found the plan in force.");
  write_histogram(out, R"(until="heard")", reactions.heard);
  write_histogram(out, R"(until="begun")", reactions.begun);
  write_histogram(out, R"(until="in_force")", reactions.in_force);
}

void write_wake_waits(Writer& out, const StatusView& status) {
  out.histogram(
      "fief_scheduler_wake_wait_seconds",
      "How long tasks that woke waited until they ran, since the scheduler was attached.");
  for (const auto& view : status.schedulers)
    write_histogram(out, labels_of(view), view.counters.wake_waits);
}

}  // namespace

std::string render_metrics(const StatusView& status, MetricsFormat format) {
  Writer out(format);
  write_daemon(out, status);
  write_reactions(out, status.reactions);
  for (const auto& family : kGauges) {
    out.gauge(family.name, family.help);
    for (const auto& view : status.schedulers)
      out.sample(labels_of(view), family.value(view));
  }
  write_counters(out, status);
  write_wake_waits(out, status);
  return out.finish();
}

}  // namespace fief::cli
