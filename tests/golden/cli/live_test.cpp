// SPDX-License-Identifier: GPL-2.0-only
// What top, map and metrics make of the daemon's state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/text/cpu_rights.hpp"
#include "cli/text/metrics.hpp"
#include "cli/text/render.hpp"
#include "cli/text/usage.hpp"

namespace fief::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

SchedulerView scheduler(CgroupId cgroup, const std::string& path, CpuTime due,
                        const CidSet& exclusive) {
  SchedulerView view;
  view.cgroup = cgroup;
  view.path = path;
  view.scheduler = "fair";
  view.state = SchedulerState::attached;
  view.entitlement.cpus = due;
  view.held.by_cap = {exclusive, exclusive, exclusive, CidSet{}};
  return view;
}

// Four CPUs, numbered backwards: the root has half of one, a one, b two and the other half.
StatusView four_cpus() {
  StatusView status;
  status.nr_cpus = 4;
  status.cpu_of_cid = {3, 2, 1, 0};
  status.schedulers = {scheduler(kSelf, "/", kCpuUnit / 2, {}),
                       scheduler(CgroupId{5}, "/a", kCpuUnit, {1}),
                       scheduler(CgroupId{6}, "/b", kCpuUnit * 5 / 2, {2, 3})};
  for (const std::size_t sharer : {0U, 2U}) {
    status.schedulers[sharer].planned_shared = {{Cid{0}, kCpuUnit / 2}};
    status.schedulers[sharer].held.by_cap[0].insert(Cid{0});
  }
  status.schedulers[1].held.by_cap[0].insert(Cid{2});
  return status;
}

StatusView after(StatusView status, const std::vector<std::uint64_t>& used_usec) {
  for (std::size_t i = 0; i < used_usec.size(); ++i)
    status.schedulers[i].usage_usec += used_usec[i];
  return status;
}

TEST(Usage, WhatIsBorrowedAndLentIsTheKernelSidesAccount) {
  const auto before = four_cpus();
  auto now = after(before, {0, 4'000'000, 3'000'000});
  now.schedulers[1].counters.borrowed_ns = 2'000'000'000;
  now.schedulers[2].counters.lent_ns = 1'500'000'000;
  const auto report = compare_usage(before, now, 2);
  ASSERT_EQ(report.schedulers.size(), 3U);
  EXPECT_DOUBLE_EQ(report.schedulers[1].used, 2);
  EXPECT_DOUBLE_EQ(report.schedulers[1].borrowed, 1);
  EXPECT_DOUBLE_EQ(report.schedulers[1].lent, 0);
  EXPECT_DOUBLE_EQ(report.schedulers[2].lent, 0.75);
}

TEST(Usage, WakeUpsAreThoseOfTheInterval) {
  auto before = four_cpus();
  before.schedulers[1].counters.wake_waits.counts[20] = 500;  // long ago: from 0.5 s to 1 s
  before.schedulers[1].counters.wake_waits.sum_us = 500'000'000;
  auto now = before;
  now.schedulers[1].counters.wake_waits.counts[5] = 90;  // from 16 to 32 us
  now.schedulers[1].counters.wake_waits.counts[11] = 10;
  now.schedulers[1].counters.wake_waits.sum_us += 20'000;
  const auto report = compare_usage(before, now, 1);
  const auto& waits = report.schedulers[1].waits;
  EXPECT_EQ(count_of(waits), 100U);
  EXPECT_EQ(waits.sum_us, 20'000U);
  EXPECT_NEAR(percentile_us(waits, 0.5), 25, 1);
  EXPECT_GT(percentile_us(waits, 0.99), 1024);
  EXPECT_THAT(render_usage(report, {}), HasSubstr("25 us"));
  // Attached anew: all there is came since.
  EXPECT_EQ(count_of(compare_usage(now, before, 1).schedulers[1].waits), 500U);
}

TEST(Usage, LimitsAreShownWhereThereAreAny) {
  const auto before = four_cpus();
  EXPECT_THAT(render_usage(compare_usage(before, before, 1), {}), Not(HasSubstr("LIMIT")));
  auto now = before;
  now.schedulers[1].entitlement.limit = kCpuUnit * 2 / 5;
  now.schedulers[1].counters.limit_periods = 8;
  now.schedulers[1].counters.limit_throttled = 2;
  const auto report = compare_usage(before, now, 1);
  EXPECT_NEAR(report.schedulers[1].limit.value(), 0.4, 1e-4);
  EXPECT_DOUBLE_EQ(report.schedulers[1].throttled.value(), 0.25);
  EXPECT_EQ(report.schedulers[2].limit, std::nullopt);
  EXPECT_EQ(report.schedulers[2].throttled, std::nullopt);
  EXPECT_THAT(render_usage(report, {}), HasSubstr("25 %"));
}

TEST(Usage, ACgroupMadeAnewHasUsedNothing) {
  const auto before = after(four_cpus(), {0, 9'000'000, 0});
  auto now = four_cpus();
  now.schedulers[1].usage_usec = 1'000'000;
  now.schedulers[2].cgroup = CgroupId{7};
  now.schedulers[2].usage_usec = 1'000'000;
  for (const auto& usage : compare_usage(before, now, 1).schedulers)
    EXPECT_DOUBLE_EQ(usage.used, 0);
}

TEST(CpuRights, SpeaksOfCpusNotOfCids) {
  const auto map = cpu_rights(four_cpus());
  ASSERT_EQ(map.size(), 4U);
  EXPECT_EQ(map[0].cpu, 0U);
  EXPECT_THAT(map[0].users, ElementsAre(CpuUser{"/b", 1}));
  EXPECT_THAT(map[1].users, ElementsAre(CpuUser{"/b", 1}));
  EXPECT_THAT(map[1].borrows, ElementsAre("/a"));
  EXPECT_THAT(map[2].users, ElementsAre(CpuUser{"/a", 1}));
  EXPECT_THAT(map[3].users, ElementsAre(CpuUser{"/", 0.5}, CpuUser{"/b", 0.5}));
  const auto text = render_cpu_rights(map, {});
  EXPECT_THAT(text, HasSubstr("50% /, 50% /b"));
}

TEST(CpuRights, WhatIsNobodysIsTheRoots) {
  auto status = four_cpus();
  status.schedulers.resize(1);
  const auto map = cpu_rights(status);
  EXPECT_THAT(map[0].users, ElementsAre(CpuUser{"/", 1}));
}

TEST(Metrics, WakeUpsAreAHistogram) {
  auto status = four_cpus();
  status.schedulers[1].counters.wake_waits.counts[0] = 3;
  status.schedulers[1].counters.wake_waits.counts[2] = 4;
  status.schedulers[1].counters.wake_waits.sum_us = 11;
  const auto text = render_metrics(status, MetricsFormat::prometheus);
  constexpr char kLabels[] = R"({cgroup="/a",cgroup_id="5",scheduler="fair")";
  const auto line = [&](const std::string& part, const std::string& more, const char* value) {
    return "fief_scheduler_wake_wait_seconds_" + part + kLabels + more + "} " + value + "\n";
  };
  EXPECT_THAT(text, HasSubstr(line("bucket", R"(,le="1e-06")", "3")));
  EXPECT_THAT(text, HasSubstr(line("bucket", R"(,le="4e-06")", "7")));
  EXPECT_THAT(text, HasSubstr(line("bucket", R"(,le="+Inf")", "7")));
  EXPECT_THAT(text, HasSubstr(line("count", "", "7")));
  EXPECT_THAT(text, HasSubstr(line("sum", "", "1.1e-05")));
}

TEST(Metrics, EscapeWhatALabelCannotHold) {
  auto status = four_cpus();
  status.schedulers[1].path = "/a\\x2d\"\n";
  EXPECT_THAT(render_metrics(status, MetricsFormat::prometheus),
              HasSubstr(R"(cgroup="/a\\x2d\"\\x0a",cgroup_id="5")"));
}

TEST(ForeignNames, AreShownEscapedEverywhere) {
  constexpr std::string_view kName = "/evil\x1b[2J\xc2\x9b";
  auto status = four_cpus();
  status.schedulers[1].path = kName;
  status.schedulers[1].last_error = "no\x1b]0;title\x07";
  const Style style{.colour = false, .utf8 = true, .width = 200};
  const auto usage = compare_usage(status, status, 1);
  for (const auto& text : {render_status(status, style), render_tree(status, style),
                           render_usage(usage, style), render_cpu_rights(cpu_rights(status), style),
                           render_metrics(status, MetricsFormat::prometheus)}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\xc2\x9b")));
    EXPECT_THAT(text, HasSubstr("x1b[2J"));
  }
  EXPECT_THAT(render_metrics(status, MetricsFormat::prometheus),
              HasSubstr(R"(cgroup="/evil\\x1b[2J\\xc2\\x9b")"));
}

}  // namespace
}  // namespace fief::cli
