// SPDX-License-Identifier: GPL-2.0-only
// "when": what counts on which machine. The machine of these tests: eight CPUs, one node, 7.3.4,
// db-1, x86-64, a virtual machine.
#include <gmock/gmock.h>

#include "cli/offline/machine_option.hpp"
#include "policy/show.hpp"
#include "policy_texts.hpp"

namespace fief {
namespace {

using test::faults_of;
using test::parse;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names_in(const PolicyResult& policy) {
  std::vector<std::string> names;
  EXPECT_TRUE(policy) << (policy ? "" : format_faults(policy.error()));
  if (policy)
    for (const auto& delegation : policy->delegations)
      names.push_back(delegation.name);
  return names;
}

std::vector<std::string> left_out_of(const PolicyResult& policy) {
  std::vector<std::string> texts;
  if (policy)
    for (const auto& left_out : policy->left_out)
      texts.push_back(format_left_out(left_out));
  return texts;
}

std::string when(const std::string& condition) {
  return test::delegation_with(R"("when": {)" + condition + "}");
}

class Holds : public testing::TestWithParam<const char*> {};
TEST_P(Holds, OnThisMachine) {
  EXPECT_THAT(names_in(parse({when(GetParam())})), ElementsAre("/x"));
}
INSTANTIATE_TEST_SUITE_P(
    Conditions, Holds,
    testing::Values("", R"("cpus": 8)", R"("cpus": "=8")", R"("cpus": ">= 8")", R"("cpus": "<=8")",
                    R"("cpus": "!=9")", R"("cpus": "<9")", R"("cpus": ">7")", R"("nodes": 1)",
                    R"("kernel": ">=7.3")", R"("kernel": "=7.3")", R"("kernel": "<7.10")",
                    R"("kernel": ">7.3.3")", R"("kernel": "=7.3.4.0")", R"("host": "db-*")",
                    R"("host": "db-1")", R"("architecture": "x86-64")", R"("virtualization": true)",
                    R"("virtualization": "vm")", R"("cpus": ">4", "host": "db-?")"));

class Unmet : public testing::TestWithParam<std::pair<const char*, const char*>> {};
TEST_P(Unmet, LeavesOutAndSaysWhy) {
  const auto policy = parse({when(GetParam().first)});
  EXPECT_THAT(names_in(policy), IsEmpty());
  EXPECT_THAT(left_out_of(policy),
              ElementsAre(std::string(R"(1.json:1: "/x" is left out on this machine: )") +
                          GetParam().second));
}
INSTANTIATE_TEST_SUITE_P(
    Conditions, Unmet,
    testing::Values(std::pair(R"("cpus": ">=16")", "cpus is 8, not >=16"),
                    std::pair(R"("cpus": 7)", "cpus is 8, not 7"),
                    std::pair(R"("cpus": "!=8")", "cpus is 8, not !=8"),
                    std::pair(R"("nodes": ">1")", "nodes is 1, not >1"),
                    std::pair(R"("kernel": ">7.3")", "kernel is 7.3.4+deb13-amd64, not >7.3"),
                    std::pair(R"("kernel": ">=7.10")", "kernel is 7.3.4+deb13-amd64, not >=7.10"),
                    std::pair(R"("host": "web-*")", "host is db-1, not web-*"),
                    std::pair(R"("architecture": "arm64")", "architecture is x86-64, not arm64"),
                    std::pair(R"("virtualization": false)", "virtualization is vm, not none"),
                    std::pair(R"("virtualization": "container")",
                              "virtualization is vm, not container"),
                    std::pair(R"("cpus": ">4", "nodes": 2)", "nodes is 1, not 2")));

class BadCondition : public testing::TestWithParam<std::pair<const char*, const char*>> {};
TEST_P(BadCondition, IsAFaultWithPlaceAndRemedy) {
  const auto faults = faults_of({when(GetParam().first)});
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0], HasSubstr("/delegations/0/when"));
  EXPECT_THAT(faults[0], HasSubstr(GetParam().second));
}
INSTANTIATE_TEST_SUITE_P(
    Conditions, BadCondition,
    testing::Values(std::pair(R"("cpu": 8)", "did you mean \"cpus\"?"),
                    std::pair(R"("cpus": "16")", "such as \">=16\""),
                    std::pair(R"("cpus": ">=16.5")", "such as \">=16\""),
                    std::pair(R"("cpus": "=>16")", "such as \">=16\""),
                    std::pair(R"("cpus": -1)", "such as \">=16\""),
                    std::pair(R"("cpus": ">=99999999999")", "such as \">=16\""),
                    std::pair(R"("kernel": "7.3")", "such as \">=7.3\""),
                    std::pair(R"("kernel": 7.3)", "such as \">=7.3\""),
                    std::pair(R"("kernel": ">=7.3-rc1")", "such as \">=7.3\""),
                    std::pair(R"("host": "")", "like \"db-*\""),
                    std::pair(R"("virtualization": "kvm")", "\"vm\" or \"container\"")));

TEST(When, OfOneNameOneEntryCounts) {
  const auto policy = parse({R"({"delegations": [
    {"name": "db", "cgroup": "/db", "when": {"cpus": ">=16"}, "weight": 1},
    {"name": "db", "cgroup": "/db", "when": {"cpus": "<16"}, "weight": 2}]})"});
  EXPECT_THAT(names_in(policy), ElementsAre("db"));
  EXPECT_EQ(policy->delegations[0].weight, 2U);
}

TEST(When, TwoOfOneNameThatBothCountAreAFault) {
  const auto faults = faults_of({R"({"delegations": [
    {"name": "db", "cgroup": "/db", "when": {"cpus": ">=4"}},
    {"name": "db", "cgroup": "/db", "when": {"cpus": "<16"}}]})"});
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0], HasSubstr("there twice in this file, first in line 2"));
}

// As "fiefctl set" writes it.
TEST(When, WhatAmendsALeftOutOneIsLeftOutWithIt) {
  const std::string big =
      R"({"delegations": [{"name": "db", "cgroup": "/db", "when": {"cpus": 16}}]})";
  const std::string amends = R"({"delegations": [{"name": "db", "weight": 300}]})";
  EXPECT_THAT(names_in(parse({big, amends})), IsEmpty());
  const std::string anew = R"({"delegations": [{"name": "db", "cgroup": "/other"}]})";
  const auto policy = parse({big, amends, anew});
  EXPECT_THAT(names_in(policy), ElementsAre("db"));
  EXPECT_EQ(policy->delegations[0].cgroup, "/other");
  EXPECT_EQ(policy->delegations[0].weight, std::nullopt);
}

TEST(When, AnAmendmentMayDependOnTheMachineAlone) {
  const std::string db = R"({"delegations": [{"name": "db", "cgroup": "/db", "weight": 1}]})";
  const auto amended = [&db](const char* cpus) {
    return parse({db, fmt::format(R"({{"delegations": [{{"name": "db", "when": {{"cpus": "{}"}},
                                     "weight": 9}}]}})",
                                  cpus)})
        ->delegations.at(0)
        .weight;
  };
  EXPECT_EQ(amended("<16"), 9U);
  EXPECT_EQ(amended(">=16"), 1U);
}

TEST(Parts, AreOfTheCpusOfTheMachine) {
  const auto policy = parse({R"({"root": {"min_cpus": "12.5%"}, "delegations": [
    {"cgroup": "/a", "min_cpus": "10%", "max_cpus": "100%"}, {"cgroup": "/b", "min_cpus": "0%"}]})"});
  ASSERT_TRUE(policy) << format_faults(policy.error());
  EXPECT_EQ(policy->root.min_cpus, 1.0);
  EXPECT_DOUBLE_EQ(*policy->delegations[0].min_cpus, 0.8);
  EXPECT_EQ(policy->delegations[0].max_cpus, 8.0);
  EXPECT_EQ(policy->delegations[1].min_cpus, 0.0);
}

TEST(Parts, AreComparedAsCpus) {
  EXPECT_THAT(faults_of({test::delegation_with(R"("min_cpus": "75%", "max_cpus": 4)")}),
              ElementsAre(HasSubstr("min_cpus 6 is above max_cpus 4")));
}

TEST(When, OfAFileIsOfAllThatIsInIt) {
  const auto policy = parse({R"({"when": {"nodes": 2}, "root": {"min_cpus": 3},
    "classes": {"default": {"weight": 7}}, "delegations": [{"cgroup": "/a"}]})",
                             R"({"delegations": [{"cgroup": "/b"}]})"});
  EXPECT_THAT(names_in(policy), ElementsAre("/b"));
  EXPECT_EQ(policy->root.min_cpus, std::nullopt);
  EXPECT_EQ(policy->delegations[0].weight, std::nullopt);
  EXPECT_THAT(left_out_of(policy),
              ElementsAre("1.json:1: the file is left out on this machine: nodes is 1, not 2"));
}

TEST(When, FaultsOfWhatIsLeftOutAreFound) {
  EXPECT_EQ(faults_of({R"({"when": {"nodes": 2}, "delegations": [{"cgroup": "/a", "weight": 0}]})"})
                .size(),
            1U);
}

TEST(When, IsNotShownWhereItDoesNotHold) {
  const std::vector<PolicyText> sources{{"1.json", when(R"("cpus": 16)")}};
  EXPECT_THAT(show_policy(sources, test::small_machine())->delegations, IsEmpty());
}

TEST(ThisMachine, HasFacts) {
  EXPECT_GE(here().machine.cpus, 1U);
  EXPECT_GE(here().machine.nodes, 1U);
  EXPECT_FALSE(here().machine.kernel.empty());
  EXPECT_FALSE(here().machine.architecture.empty());
  EXPECT_THAT(here().machine.virtualization, testing::AnyOf("none", "vm", "container"));
}

TEST(MachineOption, ChangesWhatItNames) {
  const auto machine =
      cli::with_facts(test::small_machine().machine, "cpus=64,kernel=7.4,virtualization=none");
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_EQ(machine->cpus, 64U);
  EXPECT_EQ(machine->kernel, "7.4");
  EXPECT_EQ(machine->virtualization, "none");
  EXPECT_EQ(machine->host, "db-1");
}

TEST(MachineOption, SaysWhatIsWrong) {
  const auto wrong = [](const char* text) {
    const auto machine = cli::with_facts({}, text);
    return machine ? "" : machine.error().message;
  };
  EXPECT_THAT(wrong("cpu=4"), HasSubstr("did you mean \"cpus\"?"));
  EXPECT_THAT(wrong("cpus"), HasSubstr("cpus=VALUE"));
  EXPECT_THAT(wrong("cpus=0"), HasSubstr("from 1 to 65536"));
  EXPECT_THAT(wrong("cpus=4x"), HasSubstr("from 1 to 65536"));
  EXPECT_THAT(wrong("host="), HasSubstr("is empty"));
  EXPECT_THAT(wrong("virtualization=kvm"), HasSubstr("none of none, vm and container"));
}

}  // namespace
}  // namespace fief
