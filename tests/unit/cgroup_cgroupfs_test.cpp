// SPDX-License-Identifier: GPL-2.0-only
// The watcher on the real cgroupfs, where there is one to write to: kernfs sends other events than
// file systems do, and sends some of them late.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "cgroup/hierarchy_kind.hpp"
#include "cgroup/watcher.hpp"

namespace fief {
namespace {

namespace fs = std::filesystem;

/// The first cgroup2 mount, or "".
std::string find_mount() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device;
  std::string path;
  std::string type;
  std::string rest;
  while (mounts >> device >> path >> type && std::getline(mounts, rest))
    if (type == "cgroup2")
      return path;
  return "";
}

class Cgroupfs : public testing::Test {
 protected:
  void SetUp() override {
    const auto mount = find_mount();
    std::error_code error;
    own_ = fs::path(mount) / ("fief-test-" + std::to_string(::getpid()));
    if (mount.empty() || !fs::create_directory(own_, error))
      GTEST_SKIP() << "no cgroup2 hierarchy to write to";
    auto opened = CgroupWatcher::open(own_.string());
    ASSERT_TRUE(opened) << opened.error().message;
    watcher_.emplace(std::move(*opened));
  }
  void TearDown() override {
    // Files cannot be removed there, so remove_all() does not do.
    for (const auto* name : {"a/b", "a", ""}) {
      std::error_code ignored;
      fs::remove(own_ / name, ignored);
    }
  }

  /// Drains until there was a change and @p expected holds, for at most five seconds.
  bool wait_for(const std::function<bool(const CgroupTree&)>& expected) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (std::chrono::steady_clock::now() < end) {
      pollfd wait{.fd = watcher_->fd(), .events = POLLIN, .revents = 0};
      ::poll(&wait, 1, 100);
      if (watcher_->drain().value() && expected(watcher_->tree()))
        return true;
    }
    return false;
  }
  bool wait_for_presence(std::string_view path, bool present) {
    return wait_for(
        [&](const CgroupTree& tree) { return (tree.find(path) != nullptr) == present; });
  }
  bool wait_for_populated(std::string_view path, bool populated) {
    return wait_for(
        [&](const CgroupTree& tree) { return tree.find(path)->populated == populated; });
  }
  void expect_current() {
    EXPECT_EQ(watcher_->tree().nodes, read_cgroup_tree(own_.string())->nodes);
  }
  [[nodiscard]] std::string watches() const {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(watcher_->fd()));
    return {std::istreambuf_iterator<char>(info), {}};
  }

  fs::path own_;
  std::optional<CgroupWatcher> watcher_;
};

TEST_F(Cgroupfs, IsTheKindThatIsNeeded) {
  EXPECT_TRUE(check_is_cgroup2(own_.string()));
}

TEST_F(Cgroupfs, SeesCgroupsComeAndGo) {
  const auto at_first = watches();
  std::set<CgroupId> ids;
  for (int i = 0; i < 3; ++i) {
    fs::create_directory(own_ / "a");
    fs::create_directory(own_ / "a/b");
    EXPECT_TRUE(wait_for_presence("/a/b", true));
    expect_current();
    EXPECT_TRUE(ids.insert(watcher_->tree().find("/a/b")->id).second) << "an id came back";
    fs::remove(own_ / "a/b");
    fs::remove(own_ / "a");
    EXPECT_TRUE(wait_for_presence("/a", false));
    expect_current();
  }
  EXPECT_EQ(watches(), at_first);
}

TEST_F(Cgroupfs, SeesProcessesComeAndGo) {
  fs::create_directory(own_ / "a");
  ASSERT_TRUE(wait_for_presence("/a", true));
  const auto child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  std::ofstream(own_ / "a/cgroup.procs") << child << std::flush;
  EXPECT_TRUE(wait_for_populated("/a", true));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(wait_for_populated("/a", false));
  const auto id = watcher_->tree().find("/a")->id;
  EXPECT_TRUE(read_usage_usec(own_.string(), "/a", id));
}

}  // namespace
}  // namespace fief
