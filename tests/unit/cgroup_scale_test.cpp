// SPDX-License-Identifier: GPL-2.0-only
// Many cgroups: what they cost at rest, and that coming and going leaves nothing behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "cgroup/hierarchy.hpp"
#include "cgroup/reader.hpp"
#include "cgroup/watcher.hpp"
#include "cgroup_fixture.hpp"
#include "core/fd.hpp"
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
  EXPECT_FALSE(watcher.drain().value());

  // One more is found, and nothing else.
  cgroups.make({.path = "/s0.slice/new.service"});
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_EQ(watcher.tree().nodes.size(), 2U + kSlices + kCgroups);
}

/// Nests @p count cgroups with names of 200 bytes below @p path, relative to each other: no path
/// leads to them.
void nest(const CgroupFixture& cgroups, std::string_view path, int count) {
  const std::string name(200, 'n');
  UniqueFd at(::open(cgroups.directory(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < count; ++i) {
    if (::mkdirat(at.get(), name.c_str(), 0755) != 0)
      throw std::runtime_error("cannot nest");
    at = UniqueFd(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
}

/// As rm -r does, which no path leads to, either.
void unnest(const CgroupFixture& cgroups, std::string_view path) {
  const auto command = fmt::format("rm -rf {}", cgroups.directory(path).string());
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(CgroupScale, WhoNestsThousandsCostsWhatAFewCost) {
  const CgroupFixture cgroups({{.path = "/users"}, {.path = "/users/alice"}, {.path = "/db"}});
  auto watcher = open_watcher(cgroups);
  nest(cgroups, "/users/alice", 2000);
  const auto bytes = allocated_bytes();
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(watcher.drain());
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(watcher.drain());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds{200});
  EXPECT_LE(allocated_bytes() - bytes, std::size_t{256} << 10);
  EXPECT_LE(watcher.tree().nodes.size(), 4U + kMaxCgroupPath / 200);
  EXPECT_THAT(watcher.unfollowed(), testing::StartsWith("/users/alice/nnn"));

  // Others are followed, and so is a daemon that starts now.
  cgroups.set_populated("/db", true);
  EXPECT_TRUE(watcher.drain().value());
  EXPECT_TRUE(watcher.tree().find("/db")->populated);
  ASSERT_TRUE(watcher.reread());
  EXPECT_EQ(open_watcher(cgroups).tree().nodes.size(), watcher.tree().nodes.size());
  ASSERT_TRUE(read_cgroup_tree(cgroups.mount()));

  unnest(cgroups, "/users/alice");
  ASSERT_TRUE(watcher.drain());
  EXPECT_EQ(watcher.unfollowed(), "");
  EXPECT_EQ(watcher.tree().nodes.size(), 3U);
}

TEST(CgroupScale, ShortNamesEndAtADepth) {
  const CgroupFixture cgroups({{.path = "/a"}});
  auto watcher = open_watcher(cgroups);
  std::string path = "/a";
  for (std::uint32_t depth = 1; depth < kMaxCgroupDepth; ++depth)
    cgroups.make({.path = path += "/n"});
  ASSERT_TRUE(watcher.drain());
  EXPECT_EQ(watcher.tree().nodes.size(), 1U + kMaxCgroupDepth);
  EXPECT_EQ(watcher.unfollowed(), "");
  cgroups.make({.path = path + "/n"});
  EXPECT_FALSE(watcher.drain().value());
  EXPECT_EQ(watcher.unfollowed(), path);
}

TEST(CgroupScale, ComingAndGoingLeavesNothingBehind) {
  const CgroupFixture cgroups({{.path = "/a.slice"}});
  auto watcher = open_watcher(cgroups);
  const auto cycle = [&](int number) {
    const auto path = fmt::format("/a.slice/u{}.scope", number);
    cgroups.make({.path = path, .weight = 100});
    EXPECT_TRUE(watcher.drain().value());
    cgroups.set_weight(path, 300);
    EXPECT_TRUE(watcher.drain().value());
    EXPECT_EQ(watcher.tree().nodes.size(), 3U);
    cgroups.remove(path);
    EXPECT_TRUE(watcher.drain().value());
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
