// SPDX-License-Identifier: GPL-2.0-only
// What fiefctl finds out without a daemon: faults, what waits, and members that are only assumed.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "cgroup_fixture.hpp"
#include "cli/offline/check.hpp"
#include "cli/offline/offline.hpp"
#include "temp_dir.hpp"

namespace fief::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Result<SchedulerOptions> in_the_box(const std::string& scheduler) {
  static const std::set<std::string> kNames{"batch", "fair", "latency"};
  if (kNames.contains(scheduler))
    return SchedulerOptions{};
  return no_such_scheduler(scheduler, kNames);
}

std::vector<std::string> texts(const std::vector<PolicyFault>& faults) {
  std::vector<std::string> lines;
  lines.reserve(faults.size());
  for (const auto& fault : faults)
    lines.push_back(format_fault(fault));
  return lines;
}

class Check : public ::testing::Test {
 protected:
  cli::Checked check(const std::string& policy, const std::string& machine = {}) {
    write_file(file(), policy);
    const auto checked = cli::check_policy({.policy = {}, .machine = machine}, in_the_box, place());
    EXPECT_TRUE(checked) << checked.error().message;
    return checked.value_or(cli::Checked{});
  }
  [[nodiscard]] std::string file() const { return (directory_.path() / "policy.json").string(); }
  [[nodiscard]] cli::CheckPlace place() const {
    return {.paths = {.directories = {directory_.path()}, .trust = FileTrust::root_only},
            .sysfs = "/sys",
            .cgroups = cgroups_.mount()};
  }

  TempDir directory_;
  CgroupFixture cgroups_;
};

TEST_F(Check, ASchedulerThatIsNotThereIsAFault) {
  EXPECT_THAT(texts(check(R"({"delegations": [{"cgroup": "/a", "scheduler": "Latency"}]})").faults),
              ElementsAre(file() + R"(:1:48: /delegations/0/scheduler: there is no scheduler )"
                                   R"("Latency"; there are batch, fair, latency; did you mean )"
                                   R"("latency"?)"));
}

TEST_F(Check, CpusThatAreNotThereAreAFaultOnThatMachine) {
  const auto policy = R"({"delegations": [{"name": "db", "cgroup": "/a",
 "min_cpus": 8}]})";
  EXPECT_THAT(texts(check(policy, "cpus=4").faults),
              ElementsAre(AllOf(StartsWith(file() + ":2:14: /delegations/0/min_cpus: /a asks for"),
                                HasSubstr("8 CPUs (min_cpus)"))));
  EXPECT_THAT(check(policy, "cpus=16").faults, IsEmpty());
  EXPECT_THAT(
      texts(check(R"({"delegations": [{"cgroup": "/a", "placement": "cpus:4-7"}]})", "cpus=4")
                .faults),
      ElementsAre(AllOf(HasSubstr("/delegations/0/placement: /a is confined to CPUs 4-7"),
                        HasSubstr("none of them"))));
  EXPECT_THAT(
      texts(
          check(R"({"delegations": [{"unit": "a@*", "placement": "nodes:1"}]})", "cpus=4").faults),
      ElementsAre(HasSubstr("nodes 1 (placement)")));
}

TEST_F(Check, WhatDoesNotFitTogetherIsAFaultElsewhereAndAWarningHere) {
  const auto policy = R"({"delegations": [{"cgroup": "/a", "min_cpus": 3},
                                          {"cgroup": "/b", "min_cpus": 3}]})";
  EXPECT_THAT(texts(check(policy, "cpus=4").faults), ElementsAre(HasSubstr("(min_cpus)")));
}

// A reload refuses nothing for them either.
TEST_F(Check, CgroupsOfAPatternForWhichThereIsNoRoomAreAWarning) {
  const auto elsewhere = check(R"({"delegations": [{"cgroup": "/a", "min_cpus": 2},
    {"name": "p", "cgroup_glob": "/p/*", "min_cpus": 2.5}]})",
                               "cpus=4");
  EXPECT_THAT(elsewhere.faults, IsEmpty());
  EXPECT_THAT(texts(elsewhere.warnings), ElementsAre(HasSubstr("of patterns are held back: ")));
  cgroups_.make({.path = "/p"});
  for (const auto* member : {"/p/1", "/p/2", "/p/3"})
    cgroups_.make({.path = member});
  const auto cpus = read_topology("/sys").value().cids.size();
  const auto here = check(
      fmt::format(R"({{"delegations": [{{"name": "p", "cgroup_glob": "/p/*", "min_cpus": {}}}]}})",
                  static_cast<double>(cpus) * 0.45));
  EXPECT_THAT(here.faults, IsEmpty());
  EXPECT_THAT(texts(here.warnings), ElementsAre(HasSubstr("of patterns are held back: ")));
}

TEST_F(Check, AFileThatAReloadWouldNotTrustIsAFault) {
  write_file(file(), "{}");
  ASSERT_EQ(::chmod(file().c_str(), 0666), 0);
  for (const auto& files : {std::vector<std::string>{}, std::vector<std::string>{file()}}) {
    const auto checked = cli::check_policy({.policy = files, .machine = {}}, in_the_box, place());
    ASSERT_TRUE(checked);
    EXPECT_THAT(texts(checked->faults),
                ElementsAre(AllOf(HasSubstr(file()), HasSubstr("chmod go-w"))));
  }
  // A draft elsewhere is nobody's to obey.
  auto elsewhere = place();
  elsewhere.paths.directories = {"/nowhere"};
  EXPECT_THAT(cli::check_policy({.policy = {file()}, .machine = {}}, in_the_box, elsewhere)->faults,
              IsEmpty());
}

TEST_F(Check, WhatIsNotThereNowIsAWarning) {
  cgroups_.make({.path = "/system.slice"});
  cgroups_.make({.path = "/system.slice/postgres.service"});
  const auto checked = check(R"({"delegations": [{"cgroup": "/system.slice/postgers.service"},
    {"name": "web", "unit": "web@*"}, {"cgroup": "/system.slice/postgres.service"}]})");
  EXPECT_THAT(checked.faults, IsEmpty());
  EXPECT_THAT(
      texts(checked.warnings),
      ElementsAre(AllOf(StartsWith(file() + ":1:29: /delegations/0/cgroup: there is no cgroup "),
                        HasSubstr("did you mean \"postgres.service\"?")),
                  AllOf(StartsWith(file() + ":2:29: /delegations/1/unit: "),
                        HasSubstr("no cgroup matches \"web\" now"))));
}

TEST_F(Check, AMountPointIsNoPartOfAPath) {
  EXPECT_THAT(
      texts(check(R"({"delegations": [{"cgroup": "/sys/fs/cgroup/system.slice/a.service"}]})")
                .faults),
      ElementsAre(HasSubstr("did you mean \"/system.slice/a.service\"?")));
}

TEST(Offline, SaysWhichFileCannotBeReadAndWhy) {
  const auto offline = cli::plan_offline({.policy = {},
                                          .topology = "/does/not/exist.json",
                                          .cgroups = {},
                                          .previous = {},
                                          .members = {},
                                          .machine = {}});
  ASSERT_FALSE(offline);
  EXPECT_EQ(std::get<Error>(offline.error()).message,
            "/does/not/exist.json: cannot be read: No such file or directory");
}

class Members : public ::testing::Test {
 protected:
  tl::expected<cli::Offline, cli::OfflineFailure> plan(const std::string& policy,
                                                       std::vector<std::string> members = {}) {
    write_file(directory_.path() / "policy.json", policy);
    write_file(directory_.path() / "cgroups.json", R"({"schema": 1, "cgroups": []})");
    return cli::plan_offline({.policy = {(directory_.path() / "policy.json").string()},
                              .topology = "1x1x8x1",
                              .cgroups = (directory_.path() / "cgroups.json").string(),
                              .previous = {},
                              .members = std::move(members),
                              .machine = {}});
  }
  static std::vector<std::string> cgroups(const cli::Offline& offline) {
    std::vector<std::string> paths;
    paths.reserve(offline.policy.delegations.size());
    for (const auto& delegation : offline.policy.delegations)
      paths.push_back(delegation.cgroup);
    return paths;
  }
  TempDir directory_;
};

TEST_F(Members, APatternWithoutAnyIsPlannedWithOne) {
  const auto offline = plan(R"({"delegations": [{"unit": "web@*.service"},
    {"unit": "db"}, {"cgroup_glob": "/user.slice/*/app-?.scope"},
    {"name": "pods", "pod": {"qos": "burstable"}}, {"slice": "background"}]})");
  ASSERT_TRUE(offline);
  EXPECT_THAT(
      cgroups(*offline),
      ::testing::UnorderedElementsAre(
          "/system.slice/web@1.service", "/system.slice/db.service", "/user.slice/1/app-1.scope",
          "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice",
          "/background.slice"));
  EXPECT_EQ(offline->members.size(), 4U);
  EXPECT_EQ(offline->plan.levels.at(0).participants.size(), 6U);
}

TEST_F(Members, AsManyAsAreAskedFor) {
  const auto policy = R"({"delegations": [{"name": "web", "unit": "web@*.service"}]})";
  const auto offline = plan(policy, {"web=3"});
  ASSERT_TRUE(offline);
  EXPECT_THAT(cgroups(*offline),
              ElementsAre("/system.slice/web@1.service", "/system.slice/web@2.service",
                          "/system.slice/web@3.service"));
  const auto slip = plan(policy, {"wbe=3"});
  ASSERT_FALSE(slip);
  EXPECT_THAT(std::get<Error>(slip.error()).message, HasSubstr("did you mean \"web\"?"));
  EXPECT_FALSE(plan(policy, {"web"}));
  EXPECT_FALSE(plan(policy, {"web=many"}));
}

TEST_F(Members, WhatFitsIsPlannedAndTheRestNamed) {
  const auto policy = R"({"delegations": [{"name": "web", "unit": "web@*.service", "min_cpus": 1.5},
                                          {"cgroup": "/db", "min_cpus": 1}]})";
  const auto offline = plan(policy, {"web=6"});
  ASSERT_TRUE(offline);
  EXPECT_THAT(offline->held_back,
              ElementsAre("/system.slice/web@6.service", "/system.slice/web@5.service"));
  EXPECT_THAT(offline->shortfall, HasSubstr("(min_cpus)"));
  EXPECT_EQ(cgroups(*offline).size(), 5U);
  EXPECT_FALSE(plan(R"({"delegations": [{"cgroup": "/db", "min_cpus": 9}]})"));
}

TEST_F(Members, ThatDoNotMatchStandForTheirPatternAllTheSame) {
  const auto offline =
      plan(R"({"delegations": [{"name": "odd", "cgroup_regex": "/(?<!x)a{2}[^a-z]\\.slice"}]})",
           {"odd=2"});
  ASSERT_TRUE(offline);
  EXPECT_EQ(cgroups(*offline).size(), 2U);
  EXPECT_EQ(offline->policy.delegations.front().pattern, "odd");
}

}  // namespace
}  // namespace fief::test
