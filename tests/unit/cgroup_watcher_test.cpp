// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/watcher.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdint>
#include <fstream>
#include <set>
#include <stdexcept>
#include <utility>

#include "cgroup_fixture.hpp"

namespace fief {
namespace {

using test::CgroupFixture;

CgroupWatcher open_watcher(const CgroupFixture& cgroups) {
  auto watcher = CgroupWatcher::open(cgroups.mount());
  if (!watcher)
    throw std::runtime_error(watcher.error().message);
  return std::move(*watcher);
}

bool is_readable(const CgroupWatcher& watcher) {
  pollfd wait{.fd = watcher.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, 0) == 1;
}

/// Compares with the truth as the reader sees it, which shares no bookkeeping with the watcher.
void expect_current(CgroupWatcher& watcher, const CgroupFixture& cgroups) {
  const auto truth = read_cgroup_tree(cgroups.mount());
  ASSERT_TRUE(truth);
  EXPECT_EQ(watcher.tree().nodes, truth->nodes);
}

/// How many inotify watches the watcher holds, from the kernel's own account.
long count_watches(const CgroupWatcher& watcher) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(watcher.fd()));
  long count = 0;
  for (std::string line; std::getline(info, line);)
    count += line.starts_with("inotify ") ? 1 : 0;
  return count;
}

TEST(CgroupWatcher, StartsWithWhatIsThere) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 50}, {.path = "/a/b", .populated = true}});
  auto watcher = open_watcher(cgroups);
  expect_current(watcher, cgroups);
  EXPECT_FALSE(is_readable(watcher));
  EXPECT_FALSE(watcher.drain().value());
}

TEST(CgroupWatcher, SeesWhatAppears) {
  const CgroupFixture cgroups;
  auto watcher = open_watcher(cgroups);
  cgroups.make({.path = "/a", .weight = 20, .populated = true});
  EXPECT_TRUE(is_readable(watcher));
  EXPECT_TRUE(watcher.drain().value());
  ASSERT_NE(watcher.tree().find("/a"), nullptr);
  EXPECT_EQ(watcher.tree().find("/a")->id, cgroups.id("/a"));
  EXPECT_EQ(watcher.tree().find("/a")->weight, 20U);
  expect_current(watcher, cgroups);
  EXPECT_FALSE(is_readable(watcher));
}

TEST(CgroupWatcher, WatchesWhatAppeared) {
  const CgroupFixture cgroups;
  auto watcher = open_watcher(cgroups);
  cgroups.make({.path = "/a"});
  ASSERT_TRUE(watcher.drain().value());
  cgroups.make({.path = "/a/b"});
  cgroups.set_populated("/a", true);
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_NE(watcher.tree().find("/a/b"), nullptr);
  EXPECT_TRUE(watcher.tree().find("/a")->populated);
  expect_current(watcher, cgroups);
}

TEST(CgroupWatcher, FindsChildrenMadeBeforeTheirParentWasSeen) {
  const CgroupFixture cgroups;
  auto watcher = open_watcher(cgroups);
  cgroups.make({.path = "/a"});
  cgroups.make({.path = "/a/b"});
  cgroups.make({.path = "/a/b/c"});
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_NE(watcher.tree().find("/a/b/c"), nullptr);
  expect_current(watcher, cgroups);
}

TEST(CgroupWatcher, SeesWhatVanishes) {
  const CgroupFixture cgroups({{.path = "/a"}, {.path = "/a/b"}, {.path = "/c"}});
  auto watcher = open_watcher(cgroups);
  const auto a = cgroups.id("/a");
  const auto b = cgroups.id("/a/b");
  cgroups.remove("/a");
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_EQ(watcher.tree().find(a), nullptr);
  EXPECT_EQ(watcher.tree().find(b), nullptr);
  EXPECT_NE(watcher.tree().find("/c"), nullptr);
  expect_current(watcher, cgroups);
}

TEST(CgroupWatcher, TellsASuccessorFromItsPredecessor) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 1}});
  auto watcher = open_watcher(cgroups);
  const auto old = cgroups.id("/a");
  // An open descriptor keeps the inode number from being used again at once; cgroupfs never does.
  const auto held = open_cgroup_mount(cgroups.directory("/a").string());
  cgroups.remove("/a");
  cgroups.make({.path = "/a", .weight = 2});
  const auto successor = cgroups.id("/a");
  ASSERT_NE(old, successor);
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_EQ(watcher.tree().find(old), nullptr);
  EXPECT_EQ(watcher.tree().find("/a")->id, successor);
  EXPECT_EQ(watcher.tree().find("/a")->weight, 2U);
  cgroups.set_populated("/a", true);
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_TRUE(watcher.tree().find(successor)->populated);
}

TEST(CgroupWatcher, IsOfAnotherGenerationWhenCgroupsComeAndGo) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 5}});
  auto watcher = open_watcher(cgroups);
  std::set<std::uint64_t> generations{0, watcher.generation()};
  EXPECT_EQ(generations.size(), 2U);
  cgroups.set_weight("/a", 6);
  cgroups.set_populated("/a", true);
  EXPECT_TRUE(watcher.drain().value());
  cgroups.set_weight("/a", 7);
  EXPECT_TRUE(watcher.reread().value());
  EXPECT_FALSE(generations.insert(watcher.generation()).second);
  cgroups.make({.path = "/b"});
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_TRUE(generations.insert(watcher.generation()).second);
  cgroups.remove("/b");
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_TRUE(generations.insert(watcher.generation()).second);
  cgroups.make({.path = "/c"});
  EXPECT_TRUE(watcher.reread().value());
  EXPECT_TRUE(generations.insert(watcher.generation()).second);
}

TEST(CgroupWatcher, ForgetsWhatCameAndWentUnseen) {
  const CgroupFixture cgroups;
  auto watcher = open_watcher(cgroups);
  cgroups.make({.path = "/a"});
  cgroups.remove("/a");
  EXPECT_FALSE(watcher.drain().value());
  expect_current(watcher, cgroups);
}

TEST(CgroupWatcher, FollowsPopulated) {
  const CgroupFixture cgroups({{.path = "/a", .populated = false}});
  auto watcher = open_watcher(cgroups);
  cgroups.set_populated("/a", true);
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_TRUE(watcher.tree().find("/a")->populated);
  cgroups.set_populated("/a", true);  // "frozen" changed, say
  EXPECT_FALSE(watcher.drain().value());
  cgroups.set_populated("/a", false);
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_FALSE(watcher.tree().find("/a")->populated);
}

TEST(CgroupWatcher, IgnoresOtherFiles) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 5}});
  auto watcher = open_watcher(cgroups);
  cgroups.become("/a", "cpu.weight", "6\n");
  cgroups.write("/a", "cgroup.procs", "1\n");
  EXPECT_FALSE(watcher.drain().value());
  EXPECT_EQ(watcher.tree().find("/a")->weight, 5U);
}

TEST(CgroupWatcher, FollowsWeightsHoweverTheyAreWritten) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 5, .idle = false}});
  auto watcher = open_watcher(cgroups);
  cgroups.write("/a", "cpu.weight", "6\n");
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_EQ(watcher.tree().find("/a")->weight, 6U);
  cgroups.become("/a", "cpu.weight", "7\n");
  cgroups.write("/a", "cpu.weight.nice", "1\n");
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_EQ(watcher.tree().find("/a")->weight, 7U);
  cgroups.write("/a", "cpu.idle", "1\n");
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_TRUE(watcher.tree().find("/a")->idle);
  cgroups.write("/a", "cpu.max", "50000 100000\n");
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_EQ(watcher.tree().find("/a")->limit, (CpuMax{.quota_us = 50'000, .period_us = 100'000}));
  cgroups.write("/a", "cpu.idle", "1\n");
  EXPECT_FALSE(watcher.drain().value());
}

TEST(CgroupWatcher, TakesInControllersThatAreSwitchedOffAndOn) {
  const CgroupFixture cgroups({{.path = "/a"}, {.path = "/a/b", .weight = 500, .cpus = "0-1"}});
  auto watcher = open_watcher(cgroups);
  const auto id = cgroups.id("/a/b");
  cgroups.drop("/a/b", "cpu.weight");
  cgroups.drop("/a/b", "cpuset.cpus.effective");
  cgroups.write("/a", "cgroup.subtree_control", "-cpu -cpuset\n");
  EXPECT_TRUE(watcher.drain().value());
  expect_current(watcher, cgroups);
  EXPECT_EQ(watcher.tree().find(id)->weight, kDefaultWeight);
  EXPECT_EQ(watcher.tree().find(id)->cpus, std::nullopt);
  cgroups.become("/a/b", "cpu.weight", "200\n");
  cgroups.become("/a/b", "cpuset.cpus.effective", "2\n");
  cgroups.write("/a", "cgroup.subtree_control", "+cpu +cpuset\n");
  EXPECT_TRUE(watcher.drain().value());
  expect_current(watcher, cgroups);
  EXPECT_EQ(watcher.tree().find(id)->weight, 200U);
  EXPECT_EQ(watcher.tree().find(id)->cpus, CidSet::parse("2").value());
}

TEST(CgroupWatcher, ReadsEverybodysCpusetWhereOneIsWritten) {
  const CgroupFixture cgroups({{.path = "/a", .cpus = "0-3"},
                               {.path = "/a/b"},
                               {.path = "/c", .cpus = "0-3"},
                               {.path = "/d", .cpus = "0-3"}});
  auto watcher = open_watcher(cgroups);
  EXPECT_EQ(watcher.tree().find("/a")->cpus, CidSet::first(4));
  EXPECT_EQ(watcher.tree().find("/a/b")->cpus, std::nullopt);
  cgroups.become("/a", "cpuset.cpus.effective", "0-1\n");
  cgroups.become("/c", "cpuset.cpus.effective", "2-3\n");
  EXPECT_FALSE(watcher.drain().value());
  cgroups.write("/c", "cpuset.cpus.partition", "root\n");
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_EQ(watcher.tree().find("/a")->cpus, CidSet::first(2));
  EXPECT_EQ(watcher.tree().find("/c")->cpus, CidSet::parse("2-3").value());
  expect_current(watcher, cgroups);
}

TEST(CgroupWatcher, APartitionThatGoesGivesItsCpusBack) {
  const CgroupFixture cgroups({{.path = "/a", .cpus = "0-1"}, {.path = "/b", .cpus = "2-3"}});
  auto watcher = open_watcher(cgroups);
  cgroups.remove("/b");
  cgroups.become("/a", "cpuset.cpus.effective", "0-3\n");
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_EQ(watcher.tree().find("/a")->cpus, CidSet::first(4));
  expect_current(watcher, cgroups);
}

TEST(CgroupWatcher, RereadsCpusetsWhenTold) {
  const CgroupFixture cgroups(std::vector<test::FakeCgroup>{{.path = "/a", .cpus = "0-1"}});
  auto watcher = open_watcher(cgroups);
  cgroups.become("/a", "cpuset.cpus.effective", "0\n");
  EXPECT_TRUE(watcher.reread_cpusets().value());
  EXPECT_FALSE(watcher.reread_cpusets().value());
  expect_current(watcher, cgroups);
}

TEST(CgroupWatcher, WhatAFailedDrainTookInStillCounts) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 5, .populated = false}});
  auto watcher = open_watcher(cgroups);
  cgroups.set_populated("/a", true);
  cgroups.write("/a", "cpu.weight", "no number\n");
  EXPECT_FALSE(watcher.drain());
  EXPECT_TRUE(watcher.tree().find("/a")->populated);
  cgroups.become("/a", "cpu.weight", "5\n");
  EXPECT_TRUE(watcher.drain().value());
  expect_current(watcher, cgroups);
  EXPECT_FALSE(watcher.drain().value());
}

TEST(CgroupWatcher, AWeightIsTakenAsToldAndReadLater) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 5}});
  auto watcher = open_watcher(cgroups);
  const auto id = cgroups.id("/a");
  EXPECT_TRUE(watcher.note_weight(id, 500));
  EXPECT_EQ(watcher.tree().find("/a")->weight, 500U);
  EXPECT_FALSE(watcher.note_weight(id, 500));
  EXPECT_FALSE(watcher.note_weight(CgroupId{1}, 500));
  cgroups.set_weight("/a", 500);
  EXPECT_FALSE(watcher.drain().value());
  EXPECT_FALSE(watcher.read_noted().value());
  expect_current(watcher, cgroups);
}

// Told late, or of a write that another one has followed.
TEST(CgroupWatcher, WhatWasToldWronglyIsPutRight) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 5}});
  auto watcher = open_watcher(cgroups);
  const auto id = cgroups.id("/a");
  EXPECT_TRUE(watcher.note_weight(id, 500));
  EXPECT_TRUE(watcher.read_noted().value());
  EXPECT_EQ(watcher.tree().find("/a")->weight, 5U);
  EXPECT_FALSE(watcher.read_noted().value());
  expect_current(watcher, cgroups);
}

TEST(CgroupWatcher, ANotedCgroupMayVanish) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 5}});
  auto watcher = open_watcher(cgroups);
  EXPECT_TRUE(watcher.note_weight(cgroups.id("/a"), 500));
  cgroups.remove("/a");
  EXPECT_TRUE(watcher.read_noted());
}

TEST(CgroupWatcher, ReadingANotedCgroupLeavesPopulatedToDrain) {
  const CgroupFixture cgroups({{.path = "/a", .weight = 5, .populated = false}});
  auto watcher = open_watcher(cgroups);
  EXPECT_TRUE(watcher.note_weight(cgroups.id("/a"), 6));
  cgroups.set_populated("/a", true);
  cgroups.set_weight("/a", 7);
  EXPECT_TRUE(watcher.read_noted().value());
  EXPECT_EQ(watcher.tree().find("/a")->weight, 7U);
  EXPECT_FALSE(watcher.tree().find("/a")->populated);
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_TRUE(watcher.tree().find("/a")->populated);
}

TEST(CgroupWatcher, RereadFindsEveryDifference) {
  const CgroupFixture cgroups({{.path = "/a"}, {.path = "/b", .weight = 5, .cpus = "0-1"}});
  auto watcher = open_watcher(cgroups);
  const auto expect_found = [&] {
    EXPECT_TRUE(watcher.reread().value());
    expect_current(watcher, cgroups);
    EXPECT_FALSE(watcher.reread().value());
  };
  cgroups.remove("/a");
  expect_found();
  cgroups.make({.path = "/c"});
  expect_found();
  cgroups.set_weight("/b", 6);
  expect_found();
  cgroups.write("/b", "cpu.idle", "1\n");
  expect_found();
  cgroups.write("/b", "cpu.max", "50000 100000\n");
  expect_found();
  cgroups.become("/b", "cpuset.cpus.effective", "0\n");
  expect_found();
  cgroups.set_populated("/b", true);
  expect_found();
  EXPECT_FALSE(watcher.drain().value());
}

TEST(CgroupWatcher, SurvivesAnOverflowOfTheQueue) {
  const CgroupFixture cgroups({{.path = "/a"}, {.path = "/b"}});
  auto watcher = open_watcher(cgroups);
  long queue = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queue;
  ASSERT_GT(queue, 0);
  // Two files in turn: the kernel merges an event with an equal one at the end of the queue.
  std::ofstream a(cgroups.directory("/a") / "cgroup.events", std::ios::app);
  std::ofstream b(cgroups.directory("/b") / "cgroup.events", std::ios::app);
  for (long i = 0; i < queue; i += 2) {
    a << '\n' << std::flush;
    b << '\n' << std::flush;
  }
  cgroups.make({.path = "/late"});
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_NE(watcher.tree().find("/late"), nullptr);
  expect_current(watcher, cgroups);
}

TEST(CgroupWatcher, KeepsNoWatchOfWhatIsGone) {
  const CgroupFixture cgroups({{.path = "/a"}});
  auto watcher = open_watcher(cgroups);
  const auto at_first = count_watches(watcher);
  EXPECT_EQ(at_first, 3);  // the root's directory, and two of /a
  for (int i = 0; i < 20; ++i) {
    cgroups.make({.path = "/b"});
    ASSERT_TRUE(watcher.drain().value());
    EXPECT_EQ(count_watches(watcher), at_first + 2);
    cgroups.remove("/b");
    ASSERT_TRUE(watcher.drain().value());
  }
  EXPECT_EQ(count_watches(watcher), at_first);
  ASSERT_TRUE(watcher.reread());
  EXPECT_EQ(count_watches(watcher), at_first);
}

TEST(CgroupWatcher, NeedsAMount) {
  const auto watcher = CgroupWatcher::open("/nowhere/cgroup");
  ASSERT_FALSE(watcher);
  EXPECT_EQ(watcher.error().code, Errc::not_found);
}

TEST(CgroupWatcher, CanBeMoved) {
  const CgroupFixture cgroups({{.path = "/a"}});
  auto first = open_watcher(cgroups);
  auto second = std::move(first);
  cgroups.make({.path = "/b"});
  EXPECT_TRUE(second.drain().value());
}

}  // namespace
}  // namespace fief
