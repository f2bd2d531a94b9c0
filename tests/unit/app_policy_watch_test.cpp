// SPDX-License-Identifier: GPL-2.0-only
// Whoever changes the policy's files, and however: it is noticed once, and only if they say
// something else.
#include "app/policy_watch.hpp"

#include <gtest/gtest.h>

#include "temp_dir.hpp"

namespace fief {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::write_file;

class PolicyWatchTest : public testing::Test {
 protected:
  PolicyWatchTest() {
    std::filesystem::create_directory(etc());
    write_file(etc() / "policy.json", "{}");
    EXPECT_TRUE(watch_.start());
  }

  [[nodiscard]] std::filesystem::path etc() const { return directory_.path() / "etc"; }
  void expect_changes(int count) {
    const auto end = std::chrono::steady_clock::now() + seconds{20};
    while (changes_ < count && std::chrono::steady_clock::now() < end)
      io_.run_one_for(milliseconds{50});
    // and no more than these
    io_.run_for(2 * PolicyWatch::kQuiet);
    EXPECT_EQ(changes_, count);
  }

  test::TempDir directory_;
  boost::asio::io_context io_;
  int changes_ = 0;
  PolicyWatch watch_{
      io_,
      {etc(), etc() / "policy.d"},
      [this] { return read_policy({.directories = {etc().string()}, .trust = FileTrust::any}); },
      [this] { ++changes_; }};
};

TEST_F(PolicyWatchTest, SeveralChangesAreOne) {
  write_file(etc() / "policy.json", R"({"root": {}})");
  write_file(etc() / "policy.d/1.json", "{}");
  write_file(etc() / "policy.json", R"({"delegations": []})");
  expect_changes(1);
}

TEST_F(PolicyWatchTest, TheSameTextIsNoChange) {
  write_file(etc() / "policy.json", "{}");
  write_file(etc() / "notes.txt", "something");
  expect_changes(0);
}

// As kubelet does when a ConfigMap changes.
TEST_F(PolicyWatchTest, ALinkThatIsReplaced) {
  write_file(etc() / "1/policy.json", R"({"root": {"min_cpus": 1}})");
  write_file(etc() / "2/policy.json", R"({"root": {"min_cpus": 2}})");
  std::filesystem::create_directory_symlink("1", etc() / "data");
  std::filesystem::remove(etc() / "policy.json");
  std::filesystem::create_symlink("data/policy.json", etc() / "policy.json");
  expect_changes(1);
  std::filesystem::create_directory_symlink("2", etc() / "new");
  std::filesystem::rename(etc() / "new", etc() / "data");
  expect_changes(2);
}

TEST_F(PolicyWatchTest, ADirectoryThatComesLater) {
  std::filesystem::create_directory(etc() / "policy.d");
  expect_changes(0);
  write_file(etc() / "policy.d/1.json", R"({"root": {}})");
  expect_changes(1);
  std::filesystem::remove(etc() / "policy.d/1.json");
  expect_changes(2);
}

TEST_F(PolicyWatchTest, NothingIsNoticedOnceItHasStopped) {
  watch_.stop();
  write_file(etc() / "policy.json", R"({"root": {}})");
  expect_changes(0);
}

}  // namespace
}  // namespace fief
