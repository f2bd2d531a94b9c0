// SPDX-License-Identifier: GPL-2.0-only
// Many cgroups: what they cost at rest, and that coming and going leaves nothing behind.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <fstream>
#include <stdexcept>
#include <utility>

#include "cgroup/watcher.hpp"
#include "cgroup_fixture.hpp"
#include "support/resources.hpp"

namespace fief {
namespace {

using test::allocated_bytes;
using test::CgroupFixture;
using test::open_descriptors;

constexpr int kCgroups = 10'000;
constexpr int kCycles = 10'000;
constexpr int kSlices = 100;

long voluntary_switches() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw;
}

std::string slice(int number) {
  return fmt::format("/s{}.slice", number % kSlices);
}

std::string service(int number) {
  return fmt::format("{}/u{}.service", slice(number), number);
}

CgroupWatcher open_watcher(const CgroupFixture& cgroups) {
  auto watcher = CgroupWatcher::open(cgroups.mount());
  if (!watcher)
    throw std::runtime_error(watcher.error().message);
  return std::move(*watcher);
}

TEST(CgroupScale, TenThousandCostNothingAtRest) {
  const CgroupFixture cgroups;
  for (int i = 0; i < kSlices; ++i)
    cgroups.make({.path = slice(i)});
  for (int i = 0; i < kCgroups; ++i)
    cgroups.make({.path = service(i)});
  const auto descriptors = open_descriptors();
  const auto bytes = allocated_bytes();
  auto watcher = open_watcher(cgroups);
  EXPECT_EQ(watcher.tree().nodes.size(), 1U + kSlices + kCgroups);
  EXPECT_LE(open_descriptors() - descriptors, 2);  // the mount and inotify's
  EXPECT_LE(allocated_bytes() - bytes, std::size_t{kCgroups} * 1024);

  // Nothing to do for a while means one sleep, and nothing found after it.
  const auto switches = voluntary_switches();
  pollfd wait{.fd = watcher.fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&wait, 1, 500), 0);
  EXPECT_LE(voluntary_switches() - switches, 2);
  EXPECT_TRUE(watcher.drain().value().empty());

  // One more is found, and nothing else.
  cgroups.make({.path = "/s0.slice/new.service"});
  EXPECT_EQ(watcher.drain().value().size(), 1U);
}

TEST(CgroupScale, ComingAndGoingLeavesNothingBehind) {
  const CgroupFixture cgroups({{.path = "/a.slice"}});
  auto watcher = open_watcher(cgroups);
  const auto cycle = [&](int number) {
    const auto path = fmt::format("/a.slice/u{}.scope", number);
    cgroups.make({.path = path, .weight = 100});
    EXPECT_EQ(watcher.drain().value().size(), 1U);
    cgroups.set_weight(path, 300);
    EXPECT_TRUE(watcher.reread_weight(cgroups.id(path)).value());
    EXPECT_EQ(watcher.tree().nodes.size(), 3U);
    cgroups.remove(path);
    EXPECT_EQ(watcher.drain().value().size(), 1U);
  };
  for (int i = 0; i < 100; ++i)
    cycle(i);
  const auto descriptors = open_descriptors();
  const auto bytes = allocated_bytes();
  for (int i = 0; i < kCycles; ++i)
    cycle(i);
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_LE(allocated_bytes(), bytes + 4096);
  EXPECT_EQ(watcher.tree().nodes.size(), 2U);
}

}  // namespace
}  // namespace fief
