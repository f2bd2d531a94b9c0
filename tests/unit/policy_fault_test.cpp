// SPDX-License-Identifier: GPL-2.0-only
#include "policy/fault.hpp"

#include <gmock/gmock.h>

#include <array>
#include <utility>

#include "policy/suggest.hpp"
#include "policy_texts.hpp"

namespace fief {
namespace {

using test::delegation_with;
using test::faults_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(FormatFault, LooksLikeACompilersMessage) {
  EXPECT_EQ(format_fault({"/etc/fief/policy.json", 7, 15, "/delegations/0/x", "bad"}),
            "/etc/fief/policy.json:7:15: /delegations/0/x: bad");
  EXPECT_EQ(format_fault({"a.json", 1, 1, "", "bad"}), "a.json:1:1: bad");
  EXPECT_EQ(format_fault({"a.json", 0, 0, "", "cannot be read"}), "a.json: cannot be read");
  const std::vector<PolicyFault> two{{"a", 1, 2, "", "x"}, {"b", 3, 4, "", "y"}};
  EXPECT_EQ(format_faults(two), "a:1:2: x\nb:3:4: y");
}

TEST(Nearest, FindsSlipsAndNothingElse) {
  constexpr std::array<std::string_view, 3> kWords{"weight", "min_cpus", "smt"};
  EXPECT_EQ(nearest("wieght", kWords), "weight");
  EXPECT_EQ(nearest("weigth", kWords), "weight");
  EXPECT_EQ(nearest("mincpus", kWords), "min_cpus");
  EXPECT_EQ(nearest("smtp", kWords), "smt");
  EXPECT_EQ(nearest("size", kWords), std::nullopt);
  EXPECT_EQ(nearest("", kWords), std::nullopt);
}

TEST(PolicyFaults, AreAllReportedAtOnceInTheOrderOfTheFiles) {
  EXPECT_THAT(
      faults_of({"{\n"
                 "  \"delegatons\": [],\n"
                 "  \"delegations\": [\n"
                 "    {\"cgroup\": \"db\", \"wieght\": 1},\n"
                 "    {\"cgroup\": \"/x\", \"weight\": 0, \"lend\": \"no\"}\n"
                 "  ]\n"
                 "}\n",
                 "{,}", "{\"root\": {\"min_cpus\": -1}}"}),
      ElementsAre(
          "1.json:2:3: /delegatons: unknown key \"delegatons\"; did you mean \"delegations\"?",
          StartsWith("1.json:4:16: /delegations/0/cgroup: \"db\" is not the absolute"),
          "1.json:4:22: /delegations/0/wieght: unknown key \"wieght\"; did you mean \"weight\"?",
          "1.json:5:32: /delegations/1/weight: 0 is not a whole number from 1 to 10000",
          "1.json:5:43: /delegations/1/lend: \"no\" is not true, false or \"cores\"",
          StartsWith("2.json:1:2: syntax error while parsing object key"),
          "3.json:1:23: /root/min_cpus: -1 is not a number of CPUs from 0.01 to 65536, or a part "
          "of "
          "the machine's such as \"10%\""));
}

TEST(PolicyFaults, AClassWhoseNameMayNotBeIsNotSuggested) {
  EXPECT_THAT(faults_of({R"({"classes": {"\u0000w": {}},
                            "delegations": [{"cgroup": "/a", "class": "w"}]})"}),
              ElementsAre(HasSubstr("is not a name of 1 to 255 bytes"),
                          AllOf(HasSubstr("\"w\""), Not(HasSubstr("did you mean")))));
}

TEST(PolicyFaults, AnUnknownKeyWithoutANearOneListsTheKeys) {
  EXPECT_THAT(faults_of({"{\"zzz\": 1}"}),
              ElementsAre("1.json:1:2: /zzz: unknown key \"zzz\"; there are $schema, when, root, "
                          "classes, delegations"));
}

struct Case {
  std::string keys;     ///< of a delegation of /x
  std::string message;  ///< after the place
};

class DelegationFault : public testing::TestWithParam<Case> {};

TEST_P(DelegationFault, IsTheOnlyOne) {
  EXPECT_THAT(faults_of({delegation_with(GetParam().keys)}),
              ElementsAre(HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Values, DelegationFault,
    testing::Values(
        Case{R"("name": "")", R"(/name: "" is not a name of 1 to 255 bytes)"},
        Case{R"("name": "a\nb")", R"("a\nb" is not a name)"},
        Case{R"("name": 5)", "5 is not a name"},
        Case{R"("scheduler": "../fair")", R"("../fair" is not the name of a scheduler)"},
        Case{R"("scheduler": "")", "is not the name of a scheduler"},
        Case{R"("scheduler": ".hidden")", "is not the name of a scheduler"},
        Case{R"("scheduler": "a23456789012345678901234567890123")", "1 to 31 letters"},
        Case{R"("weight": 10001)", "10001 is not a whole number from 1 to 10000"},
        Case{R"("weight": 1.5)", "1.5 is not a whole number"},
        Case{R"("weight": "100")", R"("100" is not a whole number)"},
        Case{R"("weight": null)", "null is not a whole number"},
        Case{R"("weight": 1e30)", "1e30 is not a whole number"},
        Case{R"("weight": 99999999999999999999)", "99999999999999999999 is not a whole number"},
        Case{R"("min_cpus": -0.5)", "-0.5 is not a number of CPUs from 0 to 65536"},
        Case{R"("min_cpus": 1e9)", "1e9 is not a number of CPUs"},
        Case{R"("max_cpus": 0)", "0 is not a number of CPUs from 0.01 to 65536"},
        Case{R"("max_cpus": "2")", R"("2" is not a number of CPUs)"},
        Case{R"("min_cpus": "101%")", R"("101%" is not a number of CPUs)"},
        Case{R"("min_cpus": "-1%")", R"("-1%" is not a number of CPUs)"},
        Case{R"("min_cpus": "10 %")", R"("10 %" is not a number of CPUs)"},
        Case{R"("max_cpus": "0%")", R"(or a part of the machine's such as "10%")"},
        Case{R"("exclusive": 1)", "1 is not true or false"},
        Case{R"("exclusive": [1])", "[…] is not true or false"},
        Case{R"("placement": "packed")", R"(; did you mean "pack"?)"},
        Case{R"("placement": "spraed")", R"(; did you mean "spread"?)"},
        Case{R"("placement": "cpu:0-3")", R"(; did you mean "cpus"?)"},
        Case{R"("placement": "near:")", R"("near:" is not "pack", "spread", "near:NAME")"},
        Case{R"("placement": "cpus:")", "with a list of CPU numbers"},
        Case{R"("placement": "nodes:")", "with a list of node numbers"},
        Case{R"("placement": "cpus:0-x")", R"("0-x" is not a CPU list: "x" is not a number)"},
        Case{R"("placement": "cpus:3-1")", R"("3-1" is not a CPU list: 3 is above 1)"},
        Case{R"("placement": "cpus:0\u0000")", R"("cpus:0\u0000" is not "pack")"},
        Case{R"("smt": "together ")", R"(is not "together" or "split"; did you mean "together"?)"},
        Case{R"("cores": "fast")", R"("fast" is not "any" or "performance" or "efficiency")"},
        Case{R"("smt": true)", R"(true is not "together" or "split")"},
        Case{R"("tenants": -1)", "/tenants: -1 is not a whole number from 0 to 1000"},
        Case{R"("min_age_ms": 60001)", "60001 is not a whole number from 0 to 60000"},
        Case{R"("caps": "perf")", R"("perf" is not an array of caps)"},
        Case{R"("caps": ["perf", "prf"])", R"(/caps/1: "prf" is not "perf"; did you mean "perf"?)"},
        Case{R"("options": [])", "[…] is not an object"},
        Case{R"("options": {"a": 1.5})", "/options/a: 1.5 is not true, false, a whole number"},
        Case{R"("options": {"a": {}})", "{…} is not true, false"},
        Case{R"("options": {"9a": 1})", R"("9a" is not an option's name)"},
        Case{R"("restart": {"enabld": true})", R"(did you mean "enabled"?)"},
        Case{R"("restart": true)", "true is not an object of enabled, first_delay_ms"},
        Case{R"("restart": {"first_delay_ms": 0})", "a whole number from 1 to 86400000"},
        Case{R"("restart": {"quarantine_after": 0})", "a whole number from 1 to 1000"},
        Case{R"("restart": {"max_denied_per_second": 0})", "a whole number from 1 to 1000000"},
        Case{R"("weight": 1, "weight": 2)",
             R"(1.json:1:48: /delegations/0/weight: key "weight" is given twice, first in line 1, )"
             "column 35"},
        Case{R"("options": {"a": 1, "a": 1})", R"(key "a" is given twice)"}));

INSTANTIATE_TEST_SUITE_P(
    Contradictions, DelegationFault,
    testing::Values(
        Case{R"("min_cpus": 4, "max_cpus": 2)", "/min_cpus: min_cpus 4 is above max_cpus 2"},
        Case{R"("min_cpus": 4, "placement": "cpus:0-2")", "above the 3 CPUs of the placement"},
        Case{R"("exclusive": true, "lend": true)", "/lend: lend contradicts exclusive"},
        Case{R"("exclusive": true, "max_cpus": 0.5)", "leaves no whole CPU"},
        Case{R"("restart": {"first_delay_ms": 70000})", "(70000) is above max_delay_ms (60000)"},
        Case{R"("restart": {"max_delay_ms": 10})", "(1000) is above max_delay_ms (10)"},
        Case{R"("placement": "near:y")", R"(there is no delegation "y" to be near)"},
        Case{R"("name": "db", "placement": "near:dbs")", R"(did you mean "db"?)"},
        Case{R"("placement": "near:/x")", "near itself"}));

class CgroupPathFault : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(CgroupPathFault, SuggestsWhatWasMeant) {
  const auto& [path, suggestion] = GetParam();
  const auto faults = faults_of({R"({"delegations": [{"cgroup": ")" + path + "\"}]}"});
  ASSERT_THAT(faults, ElementsAre(AllOf(HasSubstr("/delegations/0/cgroup: "),
                                        HasSubstr("is not the absolute, normalised path"))));
  const auto hint = "did you mean \"" + suggestion + "\"?";
  EXPECT_EQ(faults[0].ends_with(hint), !suggestion.empty()) << faults[0];
}

INSTANTIATE_TEST_SUITE_P(
    All, CgroupPathFault,
    testing::Values(std::pair("", ""), std::pair("/", ""), std::pair("/..", ""),
                    std::pair("a.slice/b", "/a.slice/b"), std::pair("/a/", "/a"),
                    std::pair("//a", "/a"), std::pair("/a//b", "/a/b"), std::pair("/a/./b", "/a/b"),
                    std::pair("/a/../b", "/b"), std::pair("/sys/fs/cgroup/a/", "/a"),
                    std::pair("/sys/fs/cgroup/a.service", "/a.service"),
                    std::pair("db.service", "/system.slice/db.service"), std::pair("/a\\nb", ""),
                    std::pair("/" + std::string(256, 'x'), "")));

TEST(PolicyFaults, OneFileNamesADelegationOnce) {
  EXPECT_THAT(faults_of({"{\"delegations\": [{\"name\": \"a\", \"cgroup\": \"/a\"},\n"
                         "{\"name\": \"a\", \"cgroup\": \"/b\"}, {\"cgroup\": \"/c\"},\n"
                         "{\"cgroup\": \"/c\"}]}"}),
              ElementsAre("1.json:2:10: /delegations/1/name: \"a\" is there twice in this file, "
                          "first in line 1",
                          "1.json:3:12: /delegations/3/cgroup: \"/c\" is there twice in this file, "
                          "first in line 2"));
}

TEST(PolicyFaults, ACgroupHasOneDelegation) {
  EXPECT_THAT(faults_of({R"({"delegations": [{"name": "a", "cgroup": "/x"}]})",
                         R"({"delegations": [{"cgroup": "/x", "weight": 5}]})"}),
              ElementsAre("2.json:1:29: /delegations/0/cgroup: cgroup \"/x\" belongs to "
                          "delegation \"a\" in 1.json:1 already; to change that one, give its "
                          "name"));
}

TEST(PolicyFaults, ADelegationNeedsACgroupFromSomewhere) {
  EXPECT_THAT(
      faults_of({R"({"delegations": [{"weight": 5}, {"name": "db"}]})"}),
      ElementsAre(
          "1.json:1:18: /delegations/0: key \"cgroup\" is missing, or one of slice, "
          "user, unit, container, pod, machine, cgroup_glob, cgroup_regex in its place",
          "1.json:1:33: /delegations/1: key \"cgroup\" is missing, or one of slice, "
          "user, unit, container, pod, machine, cgroup_glob, cgroup_regex in its place, and "
          "no earlier file has a delegation \"db\" to change"));
}

TEST(PolicyFaults, WhatAnUnreadableFileMayDefineIsNotMissed) {
  EXPECT_THAT(faults_of({"{", R"({"delegations": [{"name": "db", "weight": 5},
                                  {"cgroup": "/x", "placement": "near:db"}]})"}),
              ElementsAre(StartsWith("1.json:1:2: syntax error")));
}

TEST(PolicyFaults, AWrongCgroupIsNotAMissingOneToo) {
  EXPECT_THAT(faults_of({R"({"delegations": [{"cgroup": 7}]})"}),
              ElementsAre(HasSubstr("7 is not the absolute")));
}

TEST(PolicyFaults, AContradictionAcrossFilesNamesBothPlaces) {
  EXPECT_THAT(faults_of({R"({"delegations": [{"cgroup": "/a", "max_cpus": 2}]})",
                         "{\"delegations\": [\n{\"cgroup\": \"/a\", \"min_cpus\": 3}]}"}),
              ElementsAre("2.json:2:30: /delegations/0/min_cpus: min_cpus 3 is above max_cpus 2 in "
                          "1.json:1"));
}

TEST(PolicyFaults, TheKernelNestsThreeDelegations) {
  const auto nested = [](const std::string& last) {
    return R"({"delegations": [{"cgroup": "/a"}, {"cgroup": "/a/b"}, {"cgroup": "/a/x/y"},
               {"cgroup": "/a/b/c"}, {"cgroup": "/a/b/d"}, {"cgroup": ")" +
           last + "\"}]}";
  };
  EXPECT_THAT(faults_of({nested("/a/b/cc/d")}), IsEmpty());
  EXPECT_THAT(faults_of({nested("/a/b/c/d/e")}),
              ElementsAre(HasSubstr("/delegations/5/cgroup: delegation number 4 inside another")));
}

TEST(PolicyFaults, WrongShapesAreNamed) {
  EXPECT_THAT(
      faults_of({"[]", "7", R"({"delegations": {}})", R"({"delegations": [1]})", R"({"root": []})",
                 R"({"$schema": 1})"}),
      ElementsAre("1.json:1:1: […] is not an object of $schema, when, root, classes, delegations",
                  "2.json:1:1: 7 is not an object of $schema, when, root, classes, delegations",
                  "3.json:1:17: /delegations: {…} is not an array of delegations",
                  HasSubstr("/delegations/0: 1 is not an object of name, cgroup"),
                  HasSubstr("/root: […] is not an object of min_cpus, options"),
                  HasSubstr("/$schema: 1 is not a string")));
}

TEST(PolicyFaults, LongValuesAreShortenedBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 200; ++i)
    name += "ä";
  EXPECT_THAT(faults_of({delegation_with("\"name\": \"" + name + "\"")}),
              ElementsAre(HasSubstr("ä… is not a name of 1 to 255 bytes")));
}

}  // namespace
}  // namespace fief
