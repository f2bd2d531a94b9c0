// SPDX-License-Identifier: GPL-2.0-only
#include "policy/parse.hpp"

#include <gmock/gmock.h>

#include "policy_texts.hpp"

namespace fief {
namespace {

using test::parse;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

TEST(ParsePolicy, NoFilesGiveAnEmptyPolicy) {
  const auto policy = parse_policy({});
  ASSERT_TRUE(policy);
  EXPECT_THAT(policy->delegations, IsEmpty());
  EXPECT_FALSE(policy->root.min_cpus);
}

TEST(ParsePolicy, TheSmallestUsefulFormHasDefaults) {
  const auto policy = parse({R"({"delegations": [{"cgroup": "/system.slice/db.service"}]})"});
  ASSERT_TRUE(policy) << format_faults(policy.error());
  ASSERT_THAT(policy->delegations, SizeIs(1));
  const auto& delegation = policy->delegations[0];
  EXPECT_EQ(delegation.name, "/system.slice/db.service");
  EXPECT_EQ(delegation.cgroup, "/system.slice/db.service");
  EXPECT_EQ(delegation.scheduler, "fair");
  EXPECT_THAT(delegation.options, IsEmpty());
  EXPECT_FALSE(delegation.weight || delegation.min_cpus || delegation.max_cpus);
  EXPECT_FALSE(delegation.exclusive || delegation.perf);
  EXPECT_EQ(delegation.lend, Lend::cpus);
  EXPECT_TRUE(delegation.borrow);
  EXPECT_TRUE(std::holds_alternative<PlacePack>(delegation.placement));
  EXPECT_EQ(delegation.cores, Cores::any);
  EXPECT_EQ(delegation.smt, Smt::together);
  EXPECT_TRUE(delegation.restart.enabled);
}

TEST(ParsePolicy, LatencyPrefersPerformanceUnlessItIsSaidOtherwise) {
  const auto policy = parse({R"({"delegations": [
      {"cgroup": "/a", "scheduler": "latency"},
      {"cgroup": "/b", "scheduler": "latency", "cores": "any"},
      {"cgroup": "/c", "cores": "performance"}]})"});
  ASSERT_TRUE(policy) << format_faults(policy.error());
  EXPECT_EQ(policy->delegations.at(0).cores, Cores::performance);
  EXPECT_EQ(policy->delegations.at(1).cores, Cores::any);
  EXPECT_EQ(policy->delegations.at(2).cores, Cores::performance);
}

TEST(ParsePolicy, ReadsEveryKey) {
  const auto policy = parse({R"({
    "$schema": "policy.schema.json",
    "root": {"min_cpus": 0.5, "options": {"slice_us": 500}},
    "delegations": [{
      "name": "db", "cgroup": "/db.slice", "scheduler": "latency",
      "options": {"slice_us": -3, "eager": true, "mode": "x"},
      "weight": 10000, "min_cpus": 1, "max_cpus": 2.5, "exclusive": true,
      "placement": "cpus:0-2,7", "cores": "efficiency", "smt": "split", "lend": false, "borrow": false,
      "caps": ["perf"], "tenants": 9, "min_age_ms": 10,
      "restart": {"enabled": false, "first_delay_ms": 5, "max_delay_ms": 6,
                  "quarantine_after": 7, "max_denied_per_second": 8}}]})"});
  ASSERT_TRUE(policy) << format_faults(policy.error());
  EXPECT_EQ(policy->root.min_cpus, 0.5);
  EXPECT_EQ(policy->root.options, (Options{{"slice_us", std::int64_t{500}}}));
  const auto& db = policy->delegations.at(0);
  EXPECT_EQ(db.name, "db");
  EXPECT_EQ(db.cgroup, "/db.slice");
  EXPECT_EQ(db.scheduler, "latency");
  EXPECT_EQ(db.options,
            (Options{{"slice_us", std::int64_t{-3}}, {"eager", true}, {"mode", std::string("x")}}));
  EXPECT_EQ(db.weight, 10000U);
  EXPECT_EQ(db.min_cpus, 1);
  EXPECT_EQ(db.max_cpus, 2.5);
  EXPECT_TRUE(db.exclusive && db.perf);
  EXPECT_EQ(db.lend, Lend::nothing);
  EXPECT_FALSE(db.borrow || db.restart.enabled);
  EXPECT_EQ(std::get<PlaceCpus>(db.placement).cpus, (CidSet{0, 1, 2, 7}));
  EXPECT_EQ(db.cores, Cores::efficiency);
  EXPECT_EQ(db.smt, Smt::split);
  EXPECT_EQ(db.tenants, 9U);
  EXPECT_EQ(db.min_age.count(), 10);
  EXPECT_EQ(db.restart.first_delay.count(), 5);
  EXPECT_EQ(db.restart.max_delay.count(), 6);
  EXPECT_EQ(db.restart.quarantine_after, 7U);
  EXPECT_EQ(db.restart.max_denied_per_second, 8U);
}

TEST(ParsePolicy, ReadsEveryPlacement) {
  const auto placement = [](const std::string& text) {
    const auto policy = parse({R"({"delegations": [{"cgroup": "/x"}, {"cgroup": "/y",
                                    "placement": ")" +
                               text + R"("}]})"});
    EXPECT_TRUE(policy) << format_faults(policy.error());
    return policy->delegations.at(1).placement;
  };
  EXPECT_TRUE(std::holds_alternative<PlacePack>(placement("pack")));
  EXPECT_TRUE(std::holds_alternative<PlaceSpread>(placement("spread")));
  EXPECT_EQ(std::get<PlaceNear>(placement("near:/x")).name, "/x");
  EXPECT_EQ(std::get<PlaceCpus>(placement("cpus:3")).cpus, CidSet{3});
  EXPECT_EQ(std::get<PlaceNodes>(placement("nodes:0,2")).nodes, (CidSet{0, 2}));
}

TEST(ParsePolicy, WhatIsLent) {
  const auto lend = [](const std::string& value) {
    return parse({R"({"delegations": [{"cgroup": "/x", "lend": )" + value + "}]}"})
        ->delegations.at(0)
        .lend;
  };
  EXPECT_EQ(lend("true"), Lend::cpus);
  EXPECT_EQ(lend("false"), Lend::nothing);
  EXPECT_EQ(lend("\"cores\""), Lend::cores);
}

TEST(ParsePolicy, ExclusiveCpusAreNotLent) {
  const auto policy = parse({R"({"delegations": [{"cgroup": "/x", "exclusive": true}]})"});
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->delegations.at(0).lend, Lend::nothing);
}

TEST(ParsePolicy, LaterFilesOverrideKeyByKey) {
  const auto policy = parse({
      R"({"root": {"min_cpus": 1, "options": {"a": 1, "b": 1}},
          "delegations": [
            {"name": "db", "cgroup": "/db", "weight": 100, "min_cpus": 1,
             "options": {"a": 1, "b": 1}, "restart": {"max_delay_ms": 9000}},
            {"cgroup": "/web"}]})",
      R"({"root": {"options": {"b": 2}},
          "delegations": [
            {"name": "new", "cgroup": "/new"},
            {"name": "db", "weight": 200, "options": {"b": 2},
             "restart": {"quarantine_after": 1}},
            {"cgroup": "/web", "weight": 7}]})",
  });
  ASSERT_TRUE(policy) << format_faults(policy.error());
  EXPECT_EQ(policy->root.min_cpus, 1);
  EXPECT_EQ(policy->root.options, (Options{{"a", std::int64_t{1}}, {"b", std::int64_t{2}}}));
  EXPECT_THAT(policy->delegations,
              ElementsAre(Field(&Delegation::name, "db"), Field(&Delegation::name, "/web"),
                          Field(&Delegation::name, "new")));
  const auto& db = policy->delegations[0];
  EXPECT_EQ(db.cgroup, "/db");
  EXPECT_EQ(db.weight, 200U);
  EXPECT_EQ(db.min_cpus, 1);
  EXPECT_EQ(db.options, (Options{{"a", std::int64_t{1}}, {"b", std::int64_t{2}}}));
  EXPECT_EQ(db.restart.max_delay.count(), 9000);
  EXPECT_EQ(db.restart.quarantine_after, 1U);
  EXPECT_EQ(policy->delegations[1].weight, 7U);
}

TEST(ParsePolicy, ALaterFileMayMoveADelegation) {
  const auto policy = parse({R"({"delegations": [{"name": "db", "cgroup": "/old"}]})",
                             R"({"delegations": [{"name": "db", "cgroup": "/new"}]})"});
  ASSERT_TRUE(policy);
  EXPECT_THAT(policy->delegations, ElementsAre(Field(&Delegation::cgroup, "/new")));
}

TEST(ParsePolicy, ThreeFilesAreMergedInOrder) {
  const auto policy = parse({R"({"delegations": [{"cgroup": "/a", "weight": 1}]})",
                             R"({"delegations": [{"cgroup": "/a", "weight": 2}]})",
                             R"({"delegations": [{"cgroup": "/a", "weight": 3}]})"});
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->delegations.at(0).weight, 3U);
}

TEST(ParsePolicy, AnOverriddenValueNeedNotFitTheNewOne) {
  const auto policy = parse({R"({"delegations": [{"cgroup": "/a", "min_cpus": 4}]})",
                             R"({"delegations": [{"cgroup": "/a", "min_cpus": 1,
                                                  "max_cpus": 2}]})"});
  EXPECT_TRUE(policy) << format_faults(policy.error());
}

}  // namespace
}  // namespace fief
