// SPDX-License-Identifier: GPL-2.0-only
// fiefctl as people and scripts run it: a process, its output and its exit status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"
#include "status/view_json.hpp"
#include "unit/temp_dir.hpp"

namespace fief::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Outcome fiefctl(const std::string& arguments) {
  return run(std::string(FIEF_FIEFCTL) + ' ' + arguments);
}

class FiefctlTest : public testing::Test {
 protected:
  PrivateBus bus_;
};

class FiefctlWithDaemonTest : public FiefctlTest {
 protected:
  void change(const std::function<void(StateBackend&)>& edit) {
    service_.on_loop([&edit](StateBackend& backend, Service&) { edit(backend); });
  }
  RunningService service_;
};

TEST_F(FiefctlWithDaemonTest, StatusAndTreeAsJsonAreTheDaemonsState) {
  for (const auto* command : {"status --json", "tree --json"}) {
    const auto outcome = fiefctl(command);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_EQ(outcome.output, to_json(demo_status(), 2) + '\n');
  }
}

TEST_F(FiefctlWithDaemonTest, StatusForPeople) {
  const auto outcome = fiefctl("status");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("is running: 8 CPUs, 3 schedulers attached"),
                                    HasSubstr("/demo.slice/a.service"), Not(HasSubstr("\x1b"))));
}

TEST_F(FiefctlWithDaemonTest, TreeForPeople) {
  const auto plain = run("LC_ALL=C " + std::string(FIEF_FIEFCTL) + " tree");
  EXPECT_EQ(plain.status, 0) << plain.errors;
  EXPECT_THAT(plain.output, HasSubstr("`- demo.slice"));
  const auto drawn = run("LC_ALL=C.UTF-8 " + std::string(FIEF_FIEFCTL) + " tree");
  EXPECT_THAT(drawn.output, HasSubstr("└─ demo.slice"));
}

TEST_F(FiefctlWithDaemonTest, CheckTellsWhetherItIsAsPlanned) {
  EXPECT_EQ(fiefctl("status --check").status, 0);
  change([](StateBackend& backend) { backend.state.as_planned = false; });
  EXPECT_EQ(fiefctl("status --check").status, 4);
  EXPECT_EQ(fiefctl("status").status, 0);
}

TEST_F(FiefctlWithDaemonTest, RefusedPolicyHasItsOwnStatus) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may reload without polkit";
  EXPECT_EQ(fiefctl("reload --json").output, "{\n  \"schema\": 1,\n  \"done\": true\n}\n");
  change(
      [](StateBackend& backend) { backend.outcome = fail(Errc::invalid, "policy.json:1:1: no"); });
  const auto refused = fiefctl("reload");
  EXPECT_EQ(refused.status, 3);
  EXPECT_EQ(refused.errors, "fiefctl: policy.json:1:1: no\n");
  EXPECT_THAT(fiefctl("reload --json").output, HasSubstr("\"error\": \"policy.json:1:1: no\""));
}

TEST_F(FiefctlWithDaemonTest, MetricsInBothFormats) {
  const auto open = fiefctl("metrics");
  EXPECT_EQ(open.status, 0) << open.errors;
  EXPECT_THAT(open.output,
              AllOf(HasSubstr("# TYPE fief_scheduler_cpu_seconds counter\n"),
                    HasSubstr("fief_scheduler_cpu_seconds_total{cgroup=\"/demo.slice/a.service\","
                              "cgroup_id=\"4711\",scheduler=\"fair\"} 1.004711\n"),
                    testing::EndsWith("# EOF\n")));
  const auto prometheus = fiefctl("metrics --prometheus");
  EXPECT_THAT(prometheus.output,
              AllOf(HasSubstr("# TYPE fief_scheduler_cpu_seconds_total counter\n"),
                    HasSubstr("fief_scheduler_due_cpus{cgroup=\"/\""), Not(HasSubstr("# EOF"))));
}

// As whoever scrapes them reads them, odd names and all.
TEST_F(FiefctlWithDaemonTest, MetricsAreCleanToPrometheussOwnParsers) {
  change([](StateBackend& backend) {
    backend.state.schedulers[1].path = "/odd\\x2d \"name\"\n.slice";
    backend.state.schedulers[2].usage_usec = 1ULL << 60;
  });
  for (const auto& [format, option] :
       {std::pair{"openmetrics", ""}, std::pair{"prometheus", " --prometheus"}}) {
    const auto read = run(std::string(FIEF_FIEFCTL) + " metrics" + option + " | " +
                          FIEF_DBUS_TESTS_DIR + "/metrics_check.py " + format);
    EXPECT_EQ(read.status, 0) << read.errors;
    EXPECT_THAT(
        read.output,
        AllOf(HasSubstr("fief_scheduler_cpu_seconds counter 3\n"),
              HasSubstr("fief_scheduler_due_cpus gauge 3\n"),
              HasSubstr(R"("cgroup": "/odd\\x2d \"name\"\\x0a.slice", "cgroup_id": "4711")")));
  }
}

TEST_F(FiefctlWithDaemonTest, MetricsAreServedOverHttp) {
  const auto answers = run(std::string(FIEF_DBUS_TESTS_DIR) + "/metrics_scrape.py " + FIEF_FIEFCTL);
  EXPECT_EQ(answers.status, 0) << answers.errors;
  EXPECT_EQ(answers.output,
            "open 200 application/openmetrics-text; version=1.0.0; charset=utf-8 families EOF\n"
            "text 200 text/plain; version=0.0.4; charset=utf-8 families \n"
            "head 200 True ''\n"
            "other 404 text/plain; charset=utf-8 the metrics are at /metrics \n"
            "post 405 text/plain; charset=utf-8 only GET and HEAD \n"
            "beside 200 text/plain; version=0.0.4; charset=utf-8 families \n"
            "end 0\n"
            "again 200 text/plain; version=0.0.4; charset=utf-8 families \n"
            "end 0\n");
  const auto nowhere = fiefctl("metrics --listen somewhere");
  EXPECT_EQ(nowhere.status, 3);
  EXPECT_THAT(nowhere.errors, HasSubstr("\"somewhere\" is not HOST:PORT, the path of a socket"));
  EXPECT_THAT(fiefctl("metrics --listen systemd").errors, HasSubstr("has not handed over"));
  EXPECT_THAT(fiefctl("metrics --listen 127.0.0.1:99999").errors, HasSubstr("127.0.0.1:99999"));
}

TEST_F(FiefctlWithDaemonTest, MetricsAreWrittenForTheTextfileCollector) {
  const TempDir temporary;
  const auto directory = temporary.path().string();
  EXPECT_EQ(fiefctl("metrics --textfile " + directory).status, 0);
  std::ifstream file(directory + "/fief.prom");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, fiefctl("metrics --prometheus").output);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
  const auto absent = fiefctl("metrics --textfile " + directory + "/absent");
  EXPECT_EQ(absent.status, 1);
  EXPECT_THAT(absent.errors, HasSubstr(directory + "/absent"));
}

TEST_F(FiefctlWithDaemonTest, PolicyShowNeedsNoDaemonForFiles) {
  const TempDir temporary;
  const auto file = temporary.path().string() + "/policy.json";
  write_file(file, R"({"delegations": [{"cgroup": "/a", "weight": 300}]})");
  const auto shown = fiefctl("policy show " + file);
  EXPECT_EQ(shown.status, 0) << shown.errors;
  EXPECT_THAT(shown.output, HasSubstr(file + ":1"));
  write_file(file, R"({"delegations": [{"cgroup": "/a", "wieght": 300}]})");
  const auto faulty = fiefctl("policy show " + file);
  EXPECT_EQ(faulty.status, 3);
  EXPECT_THAT(faulty.errors, HasSubstr("did you mean \"weight\""));
}

TEST_F(FiefctlTest, SaysThatTheDaemonDoesNotRun) {
  for (const auto* command : {"status", "tree", "reload", "map", "top --once", "metrics", "dump",
                              "policy show", "set a weight=1", "boost a weight=1 -- true"}) {
    const auto outcome = fiefctl(command);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.output, "");
    EXPECT_EQ(outcome.errors,
              "fiefctl: fiefd is not running; start it with \"systemctl start fiefd\"\n");
  }
}

TEST_F(FiefctlTest, SaysThatThereIsNoBus) {
  const auto outcome =
      run("DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent " + std::string(FIEF_FIEFCTL) + " tree");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, StartsWith("fiefctl: cannot connect to the system bus"));
}

TEST_F(FiefctlTest, UsageErrorsHaveTheirOwnStatus) {
  for (const auto* line :
       {"", "frobnicate", "status --frobnicate", "tree surplus", "explain", "plan --topology"})
    EXPECT_EQ(fiefctl(line).status, 2) << line;
}

TEST_F(FiefctlTest, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(fiefctl("--help").status, 0);
  EXPECT_EQ(fiefctl("--version").output, std::string("fiefctl ") + FIEF_VERSION + "\n");
}

class OfflineTest : public FiefctlTest {
 protected:
  OfflineTest() {
    std::ofstream(policy_) << R"({"delegations": [{"name": "a", "cgroup": "/s/a"},
                                                  {"name": "b", "cgroup": "/s/b"}]})";
    std::ofstream(cgroups_) << R"({"cgroups": [{"cgroup": "/s/a", "weight": 300},
                                               {"cgroup": "/s/b", "weight": 100}]})";
  }

  [[nodiscard]] std::string options() const {
    return fmt::format(" --policy {} --topology 1x1x8x1 --cgroups {}", policy_, cgroups_);
  }

  TempDir directory_;
  std::string policy_ = directory_.path() / "policy.json";
  std::string cgroups_ = directory_.path() / "cgroups.json";
  std::string plan_ = directory_.path() / "plan.json";
};

TEST_F(OfflineTest, CheckAcceptsAndRefuses) {
  EXPECT_EQ(fiefctl("check " + policy_).status, 0);
  std::ofstream(policy_) << R"({"delegations": [{"cgroup": "/s/a", "wieght": 1}], "x": 1})";
  const auto refused = fiefctl("check " + policy_);
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.errors, AllOf(HasSubstr(policy_ + ":1:"), HasSubstr("wieght"),
                                    HasSubstr("did you mean \"weight\"")));
  EXPECT_THAT(fiefctl("check --json " + policy_).output,
              AllOf(HasSubstr("\"valid\": false"), HasSubstr("/delegations/0/wieght")));
}

TEST_F(OfflineTest, PlanFollowsTheWeights) {
  const auto outcome = fiefctl("plan" + options());
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  // Everything below /s belongs to a and b; the root keeps its floor of half a CPU.
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("CPUS"), HasSubstr("300"), HasSubstr("5.6")));
}

TEST_F(OfflineTest, PlanIsItsOwnPreviousPlan) {
  const auto first = fiefctl("plan --json" + options());
  ASSERT_EQ(first.status, 0) << first.errors;
  std::ofstream(plan_) << first.output;
  const auto second = fiefctl(fmt::format(
      "plan --json --policy {0} --topology {1} --cgroups {1} --previous {1}", policy_, plan_));
  EXPECT_EQ(second.status, 0) << second.errors;
  EXPECT_EQ(second.output, first.output);
}

TEST_F(OfflineTest, PlanIsDrawn) {
  EXPECT_THAT(fiefctl("plan" + options()).output, AllOf(HasSubstr("LLC 0"), HasSubstr("node 0")));
  const auto drawn = fiefctl(fmt::format("plan --svg {}{}", plan_, options()));
  EXPECT_EQ(drawn.status, 0) << drawn.errors;
  std::ifstream stream(plan_);
  const std::string svg{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_THAT(svg, AllOf(StartsWith("<svg "), HasSubstr("/s/a"), testing::EndsWith("</svg>\n")));
  EXPECT_EQ(fiefctl("plan --svg /nowhere/x.svg" + options()).status, 1);
}

TEST_F(OfflineTest, WhoReturnsFindsItsPlace) {
  const auto plan = [this](const char* cgroups, const std::string& more) {
    std::ofstream(cgroups_) << cgroups;
    return fiefctl("plan --json" + options() + more);
  };
  constexpr auto kBoth = R"({"cgroups": [{"cgroup": "/s/a", "weight": 300}, {"cgroup": "/s/b"}]})";
  constexpr auto kOne = R"({"cgroups": [{"cgroup": "/s/a", "weight": 300}]})";
  const auto whole_cids_of_b = [](const std::string& text) -> std::string {
    const auto made = nlohmann::json::parse(text).at("plan");
    for (const auto& participant : made.at("levels").at(0).at("participants"))
      if (participant.at("cgroup") == "/s/b")
        return participant.at("exclusive").get<std::string>();
    return "b has no place";
  };
  const auto first = plan(kBoth, "");
  ASSERT_EQ(first.status, 0) << first.errors;
  std::ofstream(plan_) << first.output;
  std::ofstream(policy_) << R"({"delegations": [{"name": "a", "cgroup": "/s/a"}]})";
  const auto without = plan(kOne, " --previous " + plan_);
  ASSERT_EQ(without.status, 0) << without.errors;
  EXPECT_THAT(without.output, HasSubstr("\"left\": [\n"));
  std::ofstream(plan_) << without.output;
  std::ofstream(policy_) << R"({"delegations": [{"name": "a", "cgroup": "/s/a"},
                                                {"name": "b", "cgroup": "/s/b"}]})";
  const auto again = plan(kBoth, " --previous " + plan_);
  ASSERT_EQ(again.status, 0) << again.errors;
  EXPECT_NE(whole_cids_of_b(first.output), "b has no place");
  EXPECT_EQ(whole_cids_of_b(again.output), whole_cids_of_b(first.output));
}

TEST_F(OfflineTest, AbsentCgroupsAreMentioned) {
  std::ofstream(cgroups_) << R"({"cgroups": [{"cgroup": "/s/a"}]})";
  const auto outcome = fiefctl("plan" + options());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.errors, HasSubstr("/s/b is not there"));
}

TEST_F(OfflineTest, InfeasibleDemandsAreBadPolicies) {
  std::ofstream(policy_) << R"({"delegations": [{"cgroup": "/s/a", "min_cpus": 100}]})";
  const auto outcome = fiefctl("plan" + options());
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.errors, HasSubstr("/s/a"));
}

TEST_F(OfflineTest, BrokenFilesAreNamed) {
  for (const auto* text :
       {"{", "[]", R"({"cgroups": [{"weight": 1}]})", R"({"cgroups": [{"cgroup": "relative"}]})",
        R"({"cgroups": [{"cgroup": "/s/a", "weight": 0}]})"}) {
    std::ofstream(cgroups_) << text;
    const auto outcome = fiefctl("plan" + options());
    EXPECT_EQ(outcome.status, 2) << text;
    EXPECT_THAT(outcome.errors, StartsWith("fiefctl: ")) << text;
  }
}

TEST_F(OfflineTest, ExplainSpeaksOfCgroupsAndCpus) {
  const auto cgroup = fiefctl("explain /s/a" + options());
  EXPECT_EQ(cgroup.status, 0) << cgroup.errors;
  EXPECT_THAT(cgroup.output, AllOf(HasSubstr("/s/a"), HasSubstr("300")));
  const auto cpu = fiefctl("explain 3" + options());
  EXPECT_EQ(cpu.status, 0) << cpu.errors;
  EXPECT_EQ(fiefctl("explain 99" + options()).status, 1);
  EXPECT_EQ(fiefctl("explain /nowhere" + options()).status, 1);
}

}  // namespace
}  // namespace fief::test
