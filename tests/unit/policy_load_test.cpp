// SPDX-License-Identifier: GPL-2.0-only
#include "policy/load.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "temp_dir.hpp"

namespace fief {
namespace {

namespace fs = std::filesystem;
using test::write_file;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

std::string delegating(const std::string& cgroup) {
  return R"({"delegations": [{"cgroup": ")" + cgroup + "\"}]}";
}

class LoadPolicy : public testing::Test {
 protected:
  [[nodiscard]] PolicyPaths paths() const {
    return {.directories = {etc().string(), usr().string()}, .trust = FileTrust::any};
  }
  [[nodiscard]] fs::path etc() const { return dir_.path() / "etc"; }
  [[nodiscard]] fs::path usr() const { return dir_.path() / "usr"; }

  [[nodiscard]] std::vector<std::string> cgroups() const {
    const auto policy = load_policy(paths());
    if (!policy)
      return {format_faults(policy.error())};
    std::vector<std::string> cgroups;
    for (const auto& delegation : policy->delegations)
      cgroups.push_back(delegation.cgroup);
    return cgroups;
  }

 private:
  test::TempDir dir_;
};

TEST_F(LoadPolicy, AbsentFilesAreFine) {
  EXPECT_THAT(cgroups(), IsEmpty());
  EXPECT_THAT(find_policy_files(paths()).value(), IsEmpty());
}

TEST_F(LoadPolicy, TheVendorsFileHoldsUntilThereIsAnother) {
  write_file(usr() / "policy.json", delegating("/vendor"));
  EXPECT_THAT(cgroups(), ElementsAre("/vendor"));
  write_file(etc() / "policy.json", delegating("/own"));
  EXPECT_THAT(cgroups(), ElementsAre("/own"));
}

TEST_F(LoadPolicy, ADropInThatGoesMeanwhileIsNoFault) {
  const auto drop_in = etc() / "policy.d/95-fief-a.json";
  write_file(etc() / "policy.json", delegating("/own"));
  write_file(drop_in, delegating("/a"));
  std::atomic<bool> done = false;
  const std::jthread other([&] {
    while (!done) {
      fs::remove(drop_in);
      write_file(etc() / "new", delegating("/a"));
      fs::rename(etc() / "new", drop_in);
    }
  });
  int faults = 0;
  for (int i = 0; i < 3000; ++i)
    faults += read_policy(paths()).unread.empty() ? 0 : 1;
  done = true;
  EXPECT_EQ(faults, 0);
}

TEST_F(LoadPolicy, ALinkThatLeadsNowhereIsAFault) {
  fs::create_directories(etc() / "policy.d");
  fs::create_symlink("/nowhere/at/all", etc() / "policy.d/a.json");
  EXPECT_EQ(read_policy(paths()).unread.size(), 1U);
}

TEST_F(LoadPolicy, DropInsFollowByName) {
  write_file(usr() / "policy.d/20-b.json", delegating("/b"));
  write_file(etc() / "policy.d/30-c.json", delegating("/c"));
  write_file(etc() / "policy.d/10-a.json", delegating("/a"));
  write_file(etc() / "policy.json", delegating("/main"));
  EXPECT_THAT(cgroups(), ElementsAre("/main", "/a", "/b", "/c"));
  EXPECT_THAT(find_policy_files(paths()).value(),
              ElementsAre(etc() / "policy.json", etc() / "policy.d/10-a.json",
                          usr() / "policy.d/20-b.json", etc() / "policy.d/30-c.json"));
}

TEST_F(LoadPolicy, ADropInHidesTheOneOfTheSameNameFurtherDown) {
  write_file(usr() / "policy.d/10.json", delegating("/vendor"));
  write_file(etc() / "policy.d/10.json", delegating("/own"));
  EXPECT_THAT(cgroups(), ElementsAre("/own"));
}

TEST_F(LoadPolicy, ALinkToDevNullSwitchesAFileOff) {
  write_file(usr() / "policy.json", delegating("/vendor"));
  write_file(usr() / "policy.d/10.json", delegating("/more"));
  fs::create_directories(etc() / "policy.d");
  fs::create_symlink("/dev/null", etc() / "policy.json");
  EXPECT_THAT(cgroups(), ElementsAre("/more"));
  fs::create_symlink("/dev/null", etc() / "policy.d/10.json");
  EXPECT_THAT(cgroups(), IsEmpty());
}

TEST_F(LoadPolicy, OtherFilesInTheDirectoryAreIgnored) {
  write_file(etc() / "policy.d/10.json~", "junk");
  write_file(etc() / "policy.d/.10.json", "junk");
  write_file(etc() / "policy.d/README", "junk");
  EXPECT_THAT(cgroups(), IsEmpty());
}

TEST_F(LoadPolicy, FaultsOfAllFilesComeTogether) {
  write_file(etc() / "policy.json", R"({"x": 1})");
  fs::create_directories(etc() / "policy.d/10.json");
  fs::create_symlink("/nowhere", etc() / "policy.d/20.json");
  const auto policy = load_policy(paths());
  ASSERT_FALSE(policy);
  EXPECT_THAT(
      policy.error(),
      ElementsAre(Field(&PolicyFault::message, HasSubstr("unknown key \"x\"")),
                  Field(&PolicyFault::message, "is not a regular file"),
                  Field(&PolicyFault::message, "cannot be read: No such file or directory")));
}

TEST_F(LoadPolicy, AFifoIsRefusedAndDoesNotHang) {
  fs::create_directories(etc());
  ASSERT_EQ(::mkfifo((etc() / "policy.json").c_str(), 0600), 0);
  EXPECT_THAT(cgroups(), ElementsAre(HasSubstr("is not a regular file")));
}

TEST_F(LoadPolicy, ADirectoryThatCannotBeListedIsAFault) {
  write_file(etc() / "policy.d", "not a directory");
  EXPECT_THAT(cgroups(), ElementsAre(HasSubstr("policy.d: cannot be listed: ")));
}

TEST_F(LoadPolicy, OverlongFilesAreRefused) {
  write_file(etc() / "policy.json", std::string(kMaxPolicyBytes + 1, ' '));
  EXPECT_THAT(cgroups(), ElementsAre(HasSubstr("longer than 16777216 bytes")));
}

TEST_F(LoadPolicy, NamedFilesMustExist) {
  const std::vector<std::string> files{(etc() / "gone.json").string()};
  const auto policy = load_policy_files(files, FileTrust::any);
  ASSERT_FALSE(policy);
  EXPECT_THAT(format_faults(policy.error()), HasSubstr("gone.json: cannot be read: No such file"));
}

class TrustedPolicy : public LoadPolicy {
 protected:
  void SetUp() override {
    if (::geteuid() != 0)
      GTEST_SKIP() << "only root can give files to root and to others";
    write_file(file(), "{}");
    ::chmod(file().c_str(), 0644);
  }
  [[nodiscard]] fs::path file() const { return etc() / "policy.json"; }
  /// "" when the file is obeyed.
  [[nodiscard]] std::string refusal() const {
    auto trusting = paths();
    trusting.trust = FileTrust::root_only;
    const auto policy = load_policy(trusting);
    return policy ? "" : format_faults(policy.error());
  }
};

TEST_F(TrustedPolicy, RootsOwnFileIsObeyed) {
  EXPECT_EQ(refusal(), "");
}

TEST_F(TrustedPolicy, OthersFilesAreNot) {
  ASSERT_EQ(::chown(file().c_str(), 1234, 0), 0);
  EXPECT_THAT(refusal(), HasSubstr("belongs to user 1234, not to root"));
}

TEST_F(TrustedPolicy, FilesOthersMayWriteAreNot) {
  ASSERT_EQ(::chmod(file().c_str(), 0646), 0);
  EXPECT_THAT(refusal(), HasSubstr("can be written by others than root"));
  ASSERT_EQ(::chmod(file().c_str(), 0664), 0);
  EXPECT_EQ(refusal(), "");  // root's own group
  ASSERT_EQ(::chown(file().c_str(), 0, 1234), 0);
  EXPECT_THAT(refusal(), HasSubstr("can be written by others than root"));
}

}  // namespace
}  // namespace fief
