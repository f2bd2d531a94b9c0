// SPDX-License-Identifier: GPL-2.0-only
// Patterns and classes: which entry a cgroup gets its keys from, and what they make in a tree.
#include <gmock/gmock.h>

#include <algorithm>

#include "cgroup/tree.hpp"
#include "policy/cgroup_pattern.hpp"
#include "policy/layers.hpp"
#include "policy/resolve.hpp"
#include "policy/show.hpp"
#include "policy_texts.hpp"

namespace fief {
namespace {

using test::faults_of;
using test::parse;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

bool glob_matches(const std::string& glob, const std::string& path) {
  const auto pattern = CgroupPattern::compile(CgroupPattern::Kind::glob, glob);
  return pattern && pattern->matches(path);
}

bool regex_matches(const std::string& regex, const std::string& path) {
  const auto pattern = CgroupPattern::compile(CgroupPattern::Kind::regex, regex);
  return pattern && pattern->matches(path);
}

TEST(Glob, GoesByComponents) {
  EXPECT_TRUE(glob_matches("/a/*.scope", "/a/b.scope"));
  EXPECT_FALSE(glob_matches("/a/*.scope", "/a/b/c.scope"));
  EXPECT_FALSE(glob_matches("/a/*.scope", "/a/b.scope/c"));
  EXPECT_FALSE(glob_matches("/a/*", "/b/a/c"));
  EXPECT_TRUE(glob_matches("/kube.slice/**/cri-*.scope", "/kube.slice/p/q/cri-1.scope"));
  EXPECT_TRUE(glob_matches("/kube.slice/**/cri-*.scope", "/kube.slice/cri-1.scope"));
  EXPECT_TRUE(glob_matches("/a/**", "/a/b/c"));
  EXPECT_FALSE(glob_matches("/a/**", "/a"));
  EXPECT_TRUE(glob_matches("/u[0-9]?/[!x]", "/u1z/y"));
  EXPECT_FALSE(glob_matches("/u[0-9]?/[!x]", "/u1z/x"));
}

TEST(Glob, TakesBackslashesAsSystemdMeansThem) {
  EXPECT_TRUE(glob_matches(R"(/dev-disk\x2dby*.swap)", R"(/dev-disk\x2dby-id.swap)"));
  EXPECT_TRUE(glob_matches("/a[*]", "/a*"));
  EXPECT_FALSE(glob_matches("/a[*]", "/ab"));
}

TEST(Regex, IsOfTheWholePath) {
  EXPECT_TRUE(regex_matches("/a/(web|api)-[0-9]+", "/a/web-17"));
  EXPECT_FALSE(regex_matches("/a/(web|api)-[0-9]+", "/a/web-17x"));
  EXPECT_FALSE(regex_matches("web", "/a/web"));
  EXPECT_FALSE(regex_matches("/a$", "/a\n"));
}

// Whoever may make cgroups below a delegated one chooses their names.
TEST(Regex, WhoseMatchTakesForEverDoesNotMatch) {
  EXPECT_FALSE(regex_matches("/(a+)+b", '/' + std::string(250, 'a')));
  EXPECT_FALSE(regex_matches("/(a|aa)+b", '/' + std::string(4000, 'a')));
}

class PatternFault : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(PatternFault, SaysWhatIsWrong) {
  EXPECT_THAT(faults_of({GetParam().first}), ElementsAre(HasSubstr(GetParam().second)));
}

INSTANTIATE_TEST_SUITE_P(
    All, PatternFault,
    testing::Values(
        std::pair{R"({"delegations": [{"cgroup_glob": "a/*"}]})", "is not a glob over absolute"},
        std::pair{R"({"delegations": [{"cgroup_glob": "/"}]})", "is not a glob over absolute"},
        std::pair{R"({"delegations": [{"cgroup_glob": "/[a"}]})", "at byte"},
        std::pair{R"({"delegations": [{"cgroup_regex": "/(a"}]})", "parenthes"},
        std::pair{R"({"delegations": [{"cgroup_regex": 5}]})", "5 is not a regular expression"},
        std::pair{R"({"delegations": [{"name": "/a", "cgroup_regx": "/a", "cgroup": "/a"}]})",
                  R"(did you mean "cgroup_regex")"},
        std::pair{R"({"delegations": [{"cgroup": "/a", "cgroup_glob": "/*"}]})",
                  R"(remove "cgroup_glob" here, or "cgroup" in 1.json:1)"},
        std::pair{R"({"delegations": [{"cgroup": "/a", "class": "wbe"}], "classes": {"web": {}}})",
                  R"(there is no class "wbe"; did you mean "web"?)"},
        std::pair{R"({"classes": {"web": {"cgroup": "/a"}}})", R"(unknown key "cgroup")"},
        std::pair{R"({"classes": {"": {}}})", "is not a name"},
        std::pair{R"({"classes": {"w": {"exclusive": true}},
                      "delegations": [{"cgroup": "/a", "class": "w", "lend": true}]})",
                  "1.json:2:78: /delegations/0/lend: lend contradicts exclusive in 1.json:1"},
        std::pair{R"({"classes": {"w": {"min_cpus": 3, "max_cpus": 2}},
                      "delegations": [{"cgroup": "/a", "class": "w"},
                                      {"cgroup": "/b", "class": "w"}]})",
                  "/classes/w/min_cpus: min_cpus 3 is above max_cpus 2"},
        std::pair{R"({"delegations": [{"name": "p", "cgroup_glob": "/*"},
                                      {"cgroup": "/a", "placement": "near:p"}]})",
                  "stands for any number of cgroups"},
        std::pair{R"({"delegations": [{"name": "/b", "cgroup": "/a"}]})",
                  "\"/b\" is the path of another cgroup than \"/a\""}));

TEST(Patterns, AreKeptApartFromDelegationsTheWinnerFirst) {
  const auto policy = parse({R"({"delegations": [
      {"name": "r", "cgroup_regex": "/.*"}, {"name": "g1", "cgroup_glob": "/*"},
      {"name": "g2", "cgroup_glob": "/a*"}]})"});
  ASSERT_TRUE(policy);
  EXPECT_THAT(policy->delegations, IsEmpty());
  std::vector<std::string> names;
  for (const auto& pattern : policy->patterns)
    names.push_back(pattern.delegation.name);
  EXPECT_THAT(names, ElementsAre("g2", "g1", "r"));
}

CgroupTree tree_of(const std::vector<std::pair<std::string, std::uint32_t>>& paths_and_parents) {
  CgroupTree tree{{CgroupNode{.id = CgroupId{1}, .path = "/"}}};
  for (const auto& [path, parent] : paths_and_parents)
    tree.nodes.push_back({.id = CgroupId{tree.nodes.size() + 1}, .path = path, .parent = parent});
  return tree;
}

const CgroupTree& pods() {
  static const auto tree = tree_of({{"/kube.slice", 0},
                                    {"/kube.slice/pod1.slice", 1},
                                    {"/kube.slice/pod1.slice/cri-a.scope", 2},
                                    {"/kube.slice/pod1.slice/cri-b.scope", 2},
                                    {"/system.slice", 0}});
  return tree;
}

Policy resolved(const std::vector<std::string>& texts, const CgroupTree& tree = pods()) {
  const auto policy = parse(texts);
  return policy ? resolve(*policy, tree) : Policy{};
}

const Delegation* find(const std::vector<Delegation>& delegations, const std::string& path) {
  const auto found = std::ranges::find(delegations, path, &Delegation::cgroup);
  return found == delegations.end() ? nullptr : &*found;
}

constexpr char kPods[] = R"({"delegations": [
    {"name": "pods", "cgroup_glob": "/kube.slice/*/cri-*.scope", "weight": 300,
     "scheduler": "latency"}]})";

TEST(Resolve, EachCgroupHasADelegationOfItsOwn) {
  const auto policy = resolved({kPods});
  ASSERT_EQ(policy.delegations.size(), 2U);
  const auto& first = policy.delegations.front();
  EXPECT_EQ(first.cgroup, "/kube.slice/pod1.slice/cri-a.scope");
  EXPECT_EQ(first.name, first.cgroup);
  EXPECT_EQ(first.pattern, "pods");
  EXPECT_EQ(first.weight, 300U);
  EXPECT_EQ(first.scheduler, "latency");
  EXPECT_THAT(policy.patterns, IsEmpty());
}

TEST(Resolve, APathLiesOverAPattern) {
  const auto policy = resolved({kPods, R"({"delegations": [
          {"name": "a", "cgroup": "/kube.slice/pod1.slice/cri-a.scope", "weight": 500}]})"});
  const auto* own = find(policy.delegations, "/kube.slice/pod1.slice/cri-a.scope");
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->name, "a");
  EXPECT_EQ(own->pattern, "");
  EXPECT_EQ(own->weight, 500U);
  EXPECT_EQ(own->scheduler, "latency");
  EXPECT_EQ(policy.delegations.size(), 2U);
}

TEST(Resolve, ALaterGlobWinsAndAnyGlobWinsOverARegex) {
  const auto policy = resolved({kPods, R"({"delegations": [
      {"name": "b", "cgroup_glob": "/kube.slice/**/cri-b.scope", "weight": 7},
      {"name": "r", "cgroup_regex": "/(kube|system).slice.*", "weight": 9}]})"});
  EXPECT_EQ(find(policy.delegations, "/kube.slice/pod1.slice/cri-a.scope")->weight, 300U);
  EXPECT_EQ(find(policy.delegations, "/kube.slice/pod1.slice/cri-b.scope")->weight, 7U);
  EXPECT_EQ(find(policy.delegations, "/kube.slice/pod1.slice/cri-b.scope")->scheduler, "fair");
  EXPECT_EQ(find(policy.delegations, "/system.slice")->weight, 9U);
}

TEST(Resolve, DisabledMeansHandsOff) {
  const auto policy = resolved({kPods, R"({"delegations": [
      {"cgroup": "/kube.slice/pod1.slice/cri-a.scope", "enabled": false}]})"});
  EXPECT_EQ(find(policy.delegations, "/kube.slice/pod1.slice/cri-a.scope"), nullptr);
  EXPECT_NE(find(policy.delegations, "/kube.slice/pod1.slice/cri-b.scope"), nullptr);
  const auto none = resolved({kPods, R"({"delegations": [{"name": "pods", "enabled": false}]})"});
  EXPECT_THAT(none.delegations, IsEmpty());
  const auto one = resolved({R"({"delegations": [
      {"cgroup_glob": "/*.slice", "enabled": false}, {"cgroup": "/system.slice"}]})"});
  EXPECT_EQ(one.delegations.size(), 1U);
}

TEST(Resolve, AnAmendmentIsThereWhileItsCgroupIs) {
  constexpr char kAmended[] = R"({"delegations": [
      {"name": "/kube.slice/pod1.slice/cri-a.scope", "weight": 11},
      {"name": "/kube.slice/pod9.slice/cri-z.scope", "weight": 12},
      {"name": "/kube.slice/pod1.slice/cri-b.scope", "enabled": false}]})";
  const auto policy = resolved({kPods, kAmended});
  ASSERT_EQ(policy.delegations.size(), 1U);
  EXPECT_EQ(policy.delegations.front().weight, 11U);
  EXPECT_EQ(policy.delegations.front().scheduler, "latency");
  EXPECT_EQ(policy.delegations.front().pattern, "pods");
  ASSERT_EQ(policy.disabled.size(), 1U);
  // Nothing means these any more.
  EXPECT_THAT(faults_of({kAmended}), testing::Each(HasSubstr("key \"cgroup\" is missing")));
}

TEST(Resolve, NestsNoDeeperThanTheKernel) {
  const auto tree = tree_of({{"/a", 0}, {"/a/b", 1}, {"/a/b/c", 2}, {"/a/b/c/d", 3}});
  PolicyResolver resolver(*parse({R"({"delegations": [{"cgroup_regex": ".*"}]})"}));
  const auto made = resolver.resolve(tree);
  EXPECT_EQ(made.policy.delegations.size(), 3U);
  EXPECT_THAT(made.too_deep, ElementsAre("/a/b/c/d"));
}

TEST(Resolve, FollowsTheTree) {
  PolicyResolver resolver(*parse({kPods}));
  EXPECT_EQ(resolver.resolve(pods()).policy.delegations.size(), 2U);
  EXPECT_THAT(resolver.resolve(tree_of({{"/kube.slice", 0}})).policy.delegations, IsEmpty());
  EXPECT_EQ(resolver.resolve(pods()).policy.delegations.size(), 2U);
}

TEST(Classes, SayWhatDelegationsDoNot) {
  const auto policy = parse({R"({
      "classes": {"web": {"scheduler": "latency", "min_cpus": 2, "options": {"slice_us": 500}},
                  "default": {"weight": 50, "restart": {"quarantine_after": 2}}},
      "delegations": [{"cgroup": "/a", "class": "web", "min_cpus": 1}, {"cgroup": "/b"},
                      {"cgroup_glob": "/c/*", "class": "web"}]})",
                             R"({"classes": {"web": {"max_cpus": 9}}})"});
  ASSERT_TRUE(policy);
  const auto& web = policy->delegations.at(0);
  EXPECT_EQ(web.scheduler, "latency");
  EXPECT_EQ(web.min_cpus, 1);
  EXPECT_EQ(web.max_cpus, 9);
  EXPECT_EQ(web.options.at("slice_us"), OptionValue(500));
  EXPECT_EQ(web.weight, std::nullopt);
  EXPECT_EQ(policy->delegations.at(1).weight, 50U);
  EXPECT_EQ(policy->delegations.at(1).restart.quarantine_after, 2U);
  EXPECT_EQ(policy->patterns.at(0).delegation.min_cpus, 2);
}

TEST(Shown, ValuesComeFromWhereTheyWereSet) {
  const auto shown = show_policy(
      std::vector{PolicyText{"1",
                             "{\"classes\": {\"w\": {\n\"max_cpus\": 4}},\n\"delegations\": [\n"
                             "{\"name\": \"p\", \"cgroup_glob\": \"/x/*\", \"class\": \"w\",\n"
                             "\"weight\": 5},\n{\"cgroup\": \"/x/a\",\n\"lend\": false}]}"}});
  ASSERT_TRUE(shown);
  EXPECT_EQ(origin_of(*shown, "p", "cgroup_glob"), "1:4");
  EXPECT_EQ(origin_of(*shown, "p", "max_cpus"), "1:2");
  EXPECT_EQ(origin_of(*shown, "/x/a", "weight"), "1:5");
  EXPECT_EQ(origin_of(*shown, "/x/a", "max_cpus"), "1:2");
  EXPECT_EQ(origin_of(*shown, "/x/a", "class"), "1:4");
  EXPECT_EQ(origin_of(*shown, "/x/a", "lend"), "1:7");
}

TEST(Layers, AChangeOfWhatAPatternMadeLastsAsLongAsThePattern) {
  PolicyLayers layers{.files = {{"policy.json", kPods}}, .runtime = {}};
  lay_over(layers, {.hold = 0,
                    .origin = "run time",
                    .change = {"/kube.slice/pod1.slice/cri-a.scope", {{"weight", 42}}}});
  const auto changed = effective_policy(layers);
  ASSERT_TRUE(changed);
  EXPECT_EQ(resolve(changed->policy, pods()).delegations.front().weight, 42U);
  EXPECT_THAT(lift_orphans(layers, *parse({kPods})), IsEmpty());
  EXPECT_THAT(lift_orphans(layers, *parse({"{}"})),
              ElementsAre("/kube.slice/pod1.slice/cri-a.scope"));
}

}  // namespace
}  // namespace fief
