// SPDX-License-Identifier: GPL-2.0-only
// fiefctl irq and run: interrupts as the kernel lists them, and what programs are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/text/interrupts.hpp"
#include "cli/text/runtimes.hpp"

namespace fief::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kInterrupts = R"(            CPU0       CPU2
   0:         10          0  IO-APIC    2-edge      timer
  24:          0        123  PCI-MSIX-0000:00:02.0    0-edge      nvme0q0, nvme0q1
  25:          4          5  XT-PIC  cascade
 NMI:          7          8   Non-maskable interrupts
 ERR:          0
)";

std::vector<CpuRights> two_cpus() {
  return {{.cpu = 0, .users = {{"/"}}, .borrows = {"/a"}},
          {.cpu = 2, .users = {{"/a"}}, .borrows = {}}};
}

TEST(Interrupts, ThoseOfDevicesAreRead) {
  const auto read = parse_interrupts(kInterrupts);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 3U);
  EXPECT_EQ((*read)[0].device, "timer");
  EXPECT_EQ((*read)[0].cpus, (CidSet{0}));
  EXPECT_EQ((*read)[1].number, 24U);
  EXPECT_EQ((*read)[1].device, "nvme0q0, nvme0q1");
  EXPECT_EQ((*read)[1].count, 123U);
  EXPECT_EQ((*read)[1].cpus, (CidSet{2}));
  EXPECT_EQ((*read)[2].device, "cascade");
  EXPECT_EQ((*read)[2].count, 9U);
}

TEST(Interrupts, WhatIsNoListIsRefused) {
  for (const auto* text : {"", "\n", "processor : 0\n"})
    EXPECT_FALSE(parse_interrupts(text)) << text;
}

TEST(Interrupts, KeptCpusAreThoseOfDelegationsThatNobodyMayBorrow) {
  auto map = two_cpus();
  EXPECT_EQ(kept_cpus(map), (CidSet{2}));
  EXPECT_EQ(irqbalance_line(map), "IRQBALANCE_BANNED_CPULIST=2\n");
  map[1].borrows.emplace_back("/b");
  EXPECT_TRUE(kept_cpus(map).empty());
}

TEST(Interrupts, AreShownWithWhoseCpusTheyGoTo) {
  const auto text = render_interrupts(*parse_interrupts(kInterrupts), two_cpus(), Style{});
  EXPECT_THAT(text, HasSubstr("nvme0q0, nvme0q1"));
  EXPECT_THAT(text, HasSubstr("/a"));
  EXPECT_THAT(text, Not(HasSubstr("Non-maskable")));
  const auto json = to_json(*parse_interrupts(kInterrupts), two_cpus());
  EXPECT_THAT(json, HasSubstr(R"("on_kept_cpus":true)"));
}

SchedulerView attached(const std::string& path, CpuTime nominal) {
  SchedulerView view;
  view.cgroup = CgroupId{7};
  view.path = path;
  view.state = SchedulerState::attached;
  view.entitlement.nominal = nominal;
  return view;
}

TEST(Runtimes, AProgramIsPartOfTheInnermostDelegation) {
  StatusView status;
  status.schedulers = {attached("/a.slice", kCpuUnit), attached("/a.slice/b.service", kCpuUnit)};
  const auto path_around = [&status](std::string_view path) {
    const auto* view = delegation_around(status, path);
    return view == nullptr ? std::string() : view->path;
  };
  EXPECT_EQ(path_around("/a.slice/b.service/payload"), "/a.slice/b.service");
  EXPECT_EQ(path_around("/a.slice/b.service"), "/a.slice/b.service");
  EXPECT_EQ(path_around("/a.slice/b.service2"), "/a.slice");
  EXPECT_EQ(path_around("/c.slice"), "");
}

TEST(Runtimes, CpusAreRoundedUp) {
  EXPECT_EQ(cpus_to_think_of(attached("/a", 0)), 1U);
  EXPECT_EQ(cpus_to_think_of(attached("/a", 2 * kCpuUnit)), 2U);
  EXPECT_EQ(cpus_to_think_of(attached("/a", 2 * kCpuUnit + 1)), 3U);
}

TEST(Runtimes, JavasOptionsAreKept) {
  using Variable = std::pair<std::string, std::string>;
  EXPECT_THAT(runtime_variables(3, "-Xmx1g"),
              ElementsAre(Variable{"OMP_NUM_THREADS", "3"}, Variable{"GOMAXPROCS", "3"},
                          Variable{"RAYON_NUM_THREADS", "3"},
                          Variable{"JAVA_TOOL_OPTIONS", "-Xmx1g -XX:ActiveProcessorCount=3"}));
}

}  // namespace
}  // namespace fief::cli
