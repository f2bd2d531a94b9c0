// SPDX-License-Identifier: GPL-2.0-only
// Changes over the files: what they make of the policy, how they are written down, and where each
// value comes from.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "policy/change.hpp"
#include "policy/drop_ins.hpp"
#include "policy/layers.hpp"
#include "policy/load.hpp"
#include "policy/show.hpp"
#include "temp_dir.hpp"

namespace fief {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kDb[] = R"({"delegations": [{"name": "db", "cgroup": "/db", "weight": 200}]})";

PolicyLayers over(const std::string& text) {
  return {.files = {{"/etc/fief/policy.json", text}}, .runtime = {}};
}

RuntimeChange at_run_time(DelegationChange change, std::uint64_t hold = 0) {
  return {.hold = hold, .origin = "run time", .change = std::move(change)};
}

Delegation only_delegation(const PolicyLayers& layers) {
  const auto policy = effective_policy(layers);
  Delegation none;
  if (!policy || policy->policy.delegations.size() != 1) {
    none.name = policy ? "not one" : format_faults(policy.error());
    return none;
  }
  return policy->policy.delegations.front();
}

std::vector<std::string> files_of(const PolicyLayers& layers) {
  std::vector<std::string> files;
  files.reserve(layers.files.size());
  for (const auto& file : layers.files)
    files.push_back(file.file);
  return files;
}

TEST(Layers, LaterChangesLieOverEarlierOnes) {
  auto layers = over(kDb);
  lay_over(layers, at_run_time({"db", {{"weight", 300}, {"max_cpus", 2.5}}}));
  lay_over(layers, at_run_time({"db", {{"weight", 400}}}));
  EXPECT_EQ(layers.runtime.size(), 1U);
  EXPECT_EQ(only_delegation(layers).weight, 400U);
  EXPECT_EQ(only_delegation(layers).max_cpus, 2.5);
}

TEST(Layers, WhatIsHeldLiesOverWhatIsNotAndEndsWithItsHold) {
  auto layers = over(kDb);
  lay_over(layers, at_run_time({"db", {{"weight", 1000}}}, 7));
  lay_over(layers, at_run_time({"db", {{"weight", 300}}}));
  EXPECT_EQ(only_delegation(layers).weight, 1000U);
  release(layers, 7);
  EXPECT_EQ(only_delegation(layers).weight, 300U);
  lift(layers, "db");
  EXPECT_EQ(only_delegation(layers).weight, 200U);
}

TEST(Layers, ChangesOfWhatTheFilesNoLongerHaveAreLifted) {
  auto layers = over("{}");
  lay_over(layers, at_run_time({"db", {{"weight", 300}}}));
  lay_over(layers, at_run_time({"/new", {{"cgroup", std::string("/new")}}}));
  lay_over(layers, at_run_time({"/new", {{"weight", 5}}}, 3));
  EXPECT_THAT(lift_orphans(layers, Policy{}), ElementsAre("db"));
  EXPECT_EQ(only_delegation(layers).weight, 5U);
  const auto taken = parse_policy(
      std::vector{PolicyText{"f", R"({"delegations": [{"name": "other", "cgroup": "/new"}]})"}});
  EXPECT_THAT(lift_orphans(layers, *taken), ElementsAre("/new"));
}

RuntimeChange of_tenant(const std::string& path, std::uint32_t uid = 1000) {
  auto change = at_run_time({path, {{"cgroup", path}}});
  change.tenant = uid;
  return change;
}

TEST(Layers, TenantsStayWhereTheFilesLetThem) {
  const auto layers_with_tenants = [] {
    auto layers = over("{}");
    lay_over(layers, of_tenant("/a/x"));
    lay_over(layers, at_run_time({"/a/x", {{"weight", 5}}}));
    return layers;
  };
  const auto lifted = [&](const std::string& delegations) {
    auto layers = layers_with_tenants();
    const auto policy =
        parse_policy(std::vector{PolicyText{"f", R"({"delegations": [)" + delegations + "]}"}});
    return lift_orphans(layers, policy.value());
  };
  EXPECT_THAT(lifted(R"({"cgroup": "/a", "tenants": 1})"), IsEmpty());
  EXPECT_THAT(lifted(R"({"cgroup_glob": "/*", "tenants": 1})"), IsEmpty());
  EXPECT_THAT(lifted(R"({"cgroup": "/a"})"), ElementsAre("/a/x"));
  EXPECT_THAT(lifted(R"({"cgroup": "/aa", "tenants": 1})"), ElementsAre("/a/x"));
  EXPECT_THAT(lifted(R"({"cgroup": "/a/x", "tenants": 1})"), ElementsAre("/a/x"));
  EXPECT_THAT(lifted(R"({"cgroup": "/a", "tenants": 1}, {"cgroup": "/a/x"})"), ElementsAre("/a/x"));
  const auto tenants = tenants_of(layers_with_tenants());
  EXPECT_EQ(tenants.size(), 1U);
  EXPECT_EQ(tenants.at("/a/x"), 1000U) << "whoever changes it later";
}

TEST(Layers, WhatAnAdministratorSaysLiesOverWhatATenantAsksFor) {
  auto layers = over("{}");
  lay_over(layers, of_tenant("/a/x"));
  lay_over(layers, at_run_time({"/a/x", {{"weight", 5}}}));
  auto later = at_run_time({"/a/x", {{"weight", 500}, {"max_cpus", 2.0}}});
  later.tenant = 1000;
  lay_over(layers, later);
  EXPECT_EQ(only_delegation(layers).weight, 5U);
  EXPECT_EQ(only_delegation(layers).max_cpus, 2.0);
}

TEST(Layers, OnlyWhatTenantsAskForGivesWay) {
  auto layers = over(R"({"delegations": [{"cgroup": "/a", "tenants": 9}]})");
  for (const auto* path : {"/a/x", "/a/y", "/a/z"}) {
    auto change = of_tenant(path);
    change.change.keys.emplace("min_cpus", 2.0);
    lay_over(layers, change);
  }
  lay_over(layers, at_run_time({"/a/y", {{"max_cpus", 1.0}}}));
  EXPECT_FALSE(effective_policy(layers));
  const auto sound = sound_policy(layers);
  ASSERT_TRUE(sound);
  EXPECT_THAT(sound->lifted, ElementsAre("/a/y"));
  ASSERT_EQ(sound->made.policy.delegations.size(), 4U);
  const auto& y = sound->made.policy.delegations[2];
  EXPECT_EQ(y.cgroup, "/a/y");
  EXPECT_EQ(y.min_cpus, std::nullopt);
  EXPECT_EQ(y.max_cpus, 1.0);
  EXPECT_EQ(sound->made.policy.delegations[3].min_cpus, 2.0);
  lay_over(layers, at_run_time({"/a", {{"wieght", 1}}}));
  EXPECT_FALSE(sound_policy(layers)) << "an administrator's own slip";
}

TEST(Layers, DropInsHaveTheirPlaceByName) {
  auto layers = over(kDb);
  layers.files.push_back({"/etc/fief/policy.d/50-a.json", "{}"});
  layers.files.push_back({"/usr/share/fief/policy.d/99-z.json", "{}"});
  put_drop_in(layers, {"/etc/fief/policy.d/95-fief-db.json", "{}"});
  EXPECT_THAT(files_of(layers), ElementsAre("/etc/fief/policy.json", "/etc/fief/policy.d/50-a.json",
                                            "/etc/fief/policy.d/95-fief-db.json",
                                            "/usr/share/fief/policy.d/99-z.json"));
  put_drop_in(layers, {"/etc/fief/policy.d/99-z.json", "{}"});
  EXPECT_EQ(files_of(layers).back(), "/etc/fief/policy.d/99-z.json");
  put_drop_in(layers, {"/etc/fief/policy.d/95-fief-db.json", ""});
  EXPECT_EQ(layers.files.size(), 3U);
}

TEST(Change, IsAPolicyThatTheParserJudges) {
  auto layers = over(kDb);
  lay_over(layers, at_run_time({"db", {{"wieght", 3}}}));
  const auto policy = effective_policy(layers);
  ASSERT_FALSE(policy);
  EXPECT_THAT(policy.error().front().message, HasSubstr("did you mean \"weight\""));
  EXPECT_EQ(policy.error().front().file, "run time");
}

TEST(Change, SwitchesADelegationOff) {
  auto layers = over(kDb);
  lay_over(layers, at_run_time({"db", {{"enabled", false}}}));
  const auto policy = effective_policy(layers);
  ASSERT_TRUE(policy);
  EXPECT_THAT(policy->policy.delegations, IsEmpty());
  ASSERT_EQ(policy->policy.disabled.size(), 1U);
  EXPECT_EQ(policy->policy.disabled.front().weight, 200U);
}

TEST(Change, KeepsWhatElseADropInSays) {
  const auto first = with_change("", {"db", {{"weight", 300}}});
  ASSERT_TRUE(first);
  const auto second = with_change(
      *first, {"db", {{"max_cpus", 2.5}, {"options", Options{{"slice_us", std::int64_t{500}}}}}});
  ASSERT_TRUE(second);
  auto layers = over(kDb);
  put_drop_in(layers, {"/etc/fief/policy.d/95-fief-db.json", *second});
  EXPECT_EQ(only_delegation(layers).weight, 300U);
  EXPECT_EQ(only_delegation(layers).max_cpus, 2.5);
  EXPECT_EQ(only_delegation(layers).options.size(), 1U);
  EXPECT_EQ(without_changes(*second, "db"), std::string());
  EXPECT_THAT(without_changes(*second, "other").value(), HasSubstr("slice_us"));
  EXPECT_FALSE(with_change("[", {"db", {}}));
  EXPECT_FALSE(with_change(R"({"delegations": 3})", {"db", {}}));
}

TEST(Change, HasAFileOfItsOwnName) {
  EXPECT_EQ(drop_in_name("db"), "95-fief-db.json");
  EXPECT_EQ(drop_in_name("/system.slice/db.service"), "95-fief-system.slice-db.service.json");
  EXPECT_EQ(drop_in_name("a b-\n"), "95-fief-a\\x20b\\x2d\\x0a.json");
  EXPECT_EQ(drop_in_name("../../etc/passwd"), "95-fief-..-..-etc-passwd.json");
  EXPECT_LE(drop_in_name(std::string(255, '\n')).size(), 255U);
}

TEST(DropIns, AreReplacedAsAWhole) {
  const test::TempDir dir;
  const DropIns drop_ins((dir.path() / "policy.d").string());
  EXPECT_EQ(drop_ins.read("95-fief-db.json"), std::string());
  ASSERT_TRUE(drop_ins.write("95-fief-db.json", "{}"));
  ASSERT_TRUE(drop_ins.write("95-fief-db.json", kDb));
  EXPECT_EQ(drop_ins.read("95-fief-db.json"), std::string(kDb));
  struct stat status{};
  ASSERT_EQ(::stat(drop_ins.path("95-fief-db.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
  const auto entries = std::distance(fs::directory_iterator(dir.path() / "policy.d"), {});
  EXPECT_EQ(entries, 1);
  ASSERT_TRUE(drop_ins.write("95-fief-db.json", ""));
  EXPECT_TRUE(fs::is_empty(dir.path() / "policy.d"));
}

TEST(DropIns, SayWhyTheyCannotBeWritten) {
  const test::TempDir dir;
  test::write_file(dir.path() / "file", "");
  const auto refused = DropIns((dir.path() / "file").string()).write("x.json", "{}");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("file"));
}

TEST(Show, NamesTheOriginOfEveryValue) {
  auto layers = over(
      "{\"root\": {\"min_cpus\": 2},\n\"delegations\": [{\"name\": \"db\",\n"
      "  \"cgroup\": \"/db\"}]}");
  put_drop_in(layers, {"/etc/fief/policy.d/50.json",
                       R"({"delegations": [{"name": "db", "weight": 300}]})"});
  lay_over(layers, at_run_time({"db", {{"max_cpus", 2.5}}}));
  const auto shown = show_policy(sources_of(layers));
  ASSERT_TRUE(shown);
  EXPECT_EQ(origin_of(*shown, "db", "cgroup"), "/etc/fief/policy.json:3");
  EXPECT_EQ(origin_of(*shown, "db", "weight"), "/etc/fief/policy.d/50.json:1");
  EXPECT_THAT(origin_of(*shown, "db", "max_cpus"), testing::StartsWith("run time:"));
  EXPECT_EQ(origin_of(*shown, "db", "lend"), "");
  EXPECT_EQ(shown->root.front().file, "/etc/fief/policy.json");
}

TEST(Show, HasEveryKeyOfTheSchema) {
  const auto shown = show_policy(over(kDb).files);
  ASSERT_TRUE(shown);
  std::vector<std::string> keys;
  for (const auto& value : shown->delegations.front().values)
    keys.push_back(value.key.substr(0, value.key.find('.')));
  for (const auto* key : {"cgroup", "enabled", "scheduler", "weight", "min_cpus", "max_cpus",
                          "exclusive", "placement", "cores", "smt", "lend", "landing_cpus",
                          "borrow", "caps", "tenants", "min_age_ms", "restart"})
    EXPECT_THAT(keys, testing::Contains(key));
}

TEST(Change, OwnersMaySetWhatTheirDelegationGetsOfTheOneAbove) {
  for (const auto* key : {"scheduler", "options", "weight", "min_cpus", "max_cpus", "exclusive",
                          "placement", "cores", "smt", "lend", "landing_cpus", "borrow"})
    EXPECT_TRUE(is_for_owners(key)) << key;
  for (const auto* key : {"caps", "tenants", "restart", "cgroup", "name", "class", "enabled", ""})
    EXPECT_FALSE(is_for_owners(key)) << key;
}

}  // namespace
}  // namespace fief
