// SPDX-License-Identifier: GPL-2.0-only
// What top, map and metrics make of the daemon's state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/cpu_rights.hpp"
#include "cli/metrics.hpp"
#include "cli/usage.hpp"

namespace fief::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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

TEST(Usage, WhatIsBorrowedIsLentByThoseWhoLeftIt) {
  const auto before = four_cpus();
  // In two seconds: a uses 2 CPUs of its 1, b 1.5 of 2.5, the root nothing of its half.
  const auto report = compare_usage(before, after(before, {0, 4'000'000, 3'000'000}), 2);
  ASSERT_EQ(report.schedulers.size(), 3U);
  EXPECT_DOUBLE_EQ(report.schedulers[1].used, 2);
  EXPECT_DOUBLE_EQ(report.schedulers[1].borrowed, 1);
  EXPECT_DOUBLE_EQ(report.schedulers[1].lent, 0);
  // 1.5 were left and 1 of it was borrowed.
  EXPECT_DOUBLE_EQ(report.schedulers[0].lent, 0.5 / 1.5);
  EXPECT_DOUBLE_EQ(report.schedulers[2].lent, 1 / 1.5);
}

TEST(Usage, WhatNobodyBorrowedIsNotLent) {
  const auto before = four_cpus();
  const auto report = compare_usage(before, after(before, {0, 1'000'000, 0}), 1);
  for (const auto& usage : report.schedulers)
    EXPECT_DOUBLE_EQ(usage.lent, 0);
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

TEST(Metrics, EscapeWhatALabelCannotHold) {
  auto status = four_cpus();
  status.schedulers[1].path = "/a\\x2d\"\n";
  EXPECT_THAT(render_metrics(status, MetricsFormat::prometheus),
              HasSubstr(R"(cgroup="/a\\x2d\"\n",cgroup_id="5")"));
}

}  // namespace
}  // namespace fief::cli
