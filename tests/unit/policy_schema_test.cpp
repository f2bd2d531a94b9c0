// SPDX-License-Identifier: GPL-2.0-only
// Holds the JSON schema, the parser and the shipped files together.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "policy/load.hpp"
#include "policy_texts.hpp"

namespace fief {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::delegation_with;
using test::faults_of;
using testing::IsEmpty;

fs::path shipped(const char* file) {
  return fs::path(FIEF_CONFIG_DIR) / file;
}

TEST(ShippedPolicy, TheOneToEditDelegatesNothing) {
  const std::vector<std::string> files{shipped("etc/policy.json").string()};
  const auto policy = load_policy_files(files, FileTrust::any);
  ASSERT_TRUE(policy) << format_faults(policy.error());
  EXPECT_THAT(policy->delegations, IsEmpty());
  EXPECT_THAT(policy->patterns, IsEmpty());
}

json read_json(const fs::path& file) {
  std::ifstream in(file);
  return json::parse(in, nullptr, /*allow_exceptions=*/true, /*ignore_comments=*/true);
}

/// The shipped schema; neither copied nor moved, which older valijson cannot do.
class PolicySchema {
 public:
  PolicySchema() {
    const auto text = read_json(shipped("policy.schema.json"));
    valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(text), schema_);
  }
  [[nodiscard]] bool accepts(const json& document) const {
    return valijson::Validator().validate(
        schema_, valijson::adapters::NlohmannJsonAdapter(document), nullptr);
  }

 private:
  valijson::Schema schema_;
};

bool schema_accepts(const json& document) {
  static const PolicySchema schema;
  return schema.accepts(document);
}

std::vector<std::string> shipped_policies() {
  std::vector<std::string> files{shipped("policy.json").string()};
  for (const auto& entry : fs::directory_iterator(shipped("examples")))
    files.push_back(entry.path().string());
  return files;
}

class ShippedPolicy : public testing::TestWithParam<std::string> {};

TEST_P(ShippedPolicy, IsAcceptedByTheSchema) {
  EXPECT_TRUE(schema_accepts(read_json(GetParam())));
}

TEST_P(ShippedPolicy, IsAcceptedByTheParser) {
  std::vector<std::string> files{GetParam()};
  // A drop-in means something only over what it changes.
  if (files[0].ends_with("/drop-in.json"))
    files.insert(files.begin(), shipped("examples/latency-and-batch.json").string());
  const auto policy = load_policy_files(files, FileTrust::any);
  EXPECT_TRUE(policy) << format_faults(policy.error());
}

INSTANTIATE_TEST_SUITE_P(All, ShippedPolicy, testing::ValuesIn(shipped_policies()),
                         [](const auto& file) {
                           auto name = fs::path(file.param).stem().string();
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(VendorPolicy, DelegatesNothing) {
  const std::vector<std::string> files{shipped("policy.json").string()};
  EXPECT_THAT(load_policy_files(files, FileTrust::any)->delegations, IsEmpty());
}

TEST(ThreeServices, AreNamedAfterTheirUnits) {
  const std::vector<std::string> files{shipped("examples/three-services.json").string()};
  const auto policy = load_policy_files(files, FileTrust::any);
  ASSERT_TRUE(policy);
  ASSERT_EQ(policy->delegations.size(), 3U);
  for (const auto& delegation : policy->delegations)
    EXPECT_EQ(delegation.cgroup, "/demo.slice/" + delegation.name + ".service");
}

class BadDocument : public testing::TestWithParam<std::string> {};

TEST_P(BadDocument, IsRefusedByBoth) {
  EXPECT_FALSE(schema_accepts(json::parse(GetParam())));
  EXPECT_NE(faults_of({GetParam()}), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(
    Documents, BadDocument,
    testing::Values(
        "[]", "null", R"({"x": 1})", R"({"$schema": 1})", R"({"root": 1})",
        R"({"root": {"min_cpus": 0}})", R"({"root": {"max_cpus": 1}})",
        R"({"root": {"options": {"a": 1.5}}})", R"({"delegations": {}})", R"({"delegations": [7]})",
        R"({"delegations": [{}]})", R"({"delegations": [{"weight": 1}]})",
        R"({"delegations": [{"cgroup": 1}]})", R"({"delegations": [{"cgroup": ""}]})",
        R"({"delegations": [{"cgroup": "/"}]})", R"({"delegations": [{"cgroup": "a"}]})",
        R"({"delegations": [{"cgroup": "/a/"}]})", R"({"delegations": [{"cgroup": "//a"}]})",
        R"({"delegations": [{"cgroup": "/a/../b"}]})", R"({"delegations": [{"cgroup": "/a/."}]})",
        R"({"delegations": [{"cgroup": "/a\nb"}]})", R"({"classes": []})",
        R"({"classes": {"": {}}})", R"({"classes": {"a": 1}})", R"({"classes": {"a": {"x": 1}}})",
        R"({"classes": {"a": {"cgroup": "/a"}}})", R"({"classes": {"a": {"weight": 0}}})",
        R"({"delegations": [{"cgroup_glob": "a*"}]})", R"({"delegations": [{"cgroup_glob": "/"}]})",
        R"({"delegations": [{"cgroup_regex": ""}]})",
        R"({"delegations": [{"cgroup_glob": "/a", "cgroup_regex": "/a"}]})",
        R"({"delegations": [{"cgroup": "/a", "cgroup_glob": "/a"}]})",
        R"({"delegations": [{"cgroup": "/a", "class": ""}]})", R"({"delegations": [{"unit": ""}]})",
        R"({"delegations": [{"unit": "a b"}]})", R"({"delegations": [{"unit": "a.timer"}]})",
        R"({"delegations": [{"unit": "a@.scope"}]})",
        R"({"delegations": [{"slice": "a--b.slice"}]})", R"({"delegations": [{"slice": "-"}]})",
        R"({"delegations": [{"slice": "a*.slice"}]})", R"({"delegations": [{"slice": "a-"}]})",
        R"({"delegations": [{"user": -1}]})", R"({"delegations": [{"user": true}]})",
        R"({"delegations": [{"container": "web"}]})", R"({"delegations": [{"container": 1}]})",
        R"({"delegations": [{"machine": ""}]})", R"({"delegations": [{"machine": "a b"}]})",
        R"({"delegations": [{"machine": "a/b"}]})", R"({"delegations": [{"machine": ["a"]}]})",
        R"({"delegations": [{"pod": {}}]})", R"({"delegations": [{"pod": "x"}]})",
        R"({"delegations": [{"pod": {"qos": "best"}}]})",
        R"({"delegations": [{"pod": {"uid": "web-0"}}]})",
        R"({"delegations": [{"pod": {"name": "web-0"}}]})", R"({"when": 1})",
        R"({"when": {"cpu": 1}})", R"({"when": {"cpus": "16"}})", R"({"when": {"kernel": "7.3"}})",
        R"({"when": {"virtualization": "kvm"}})",
        R"({"delegations": [{"cgroup": "/a", "when": {"host": ""}}]})",
        R"({"delegations": [{"unit": "a.service", "slice": "a.slice"}]})",
        R"({"delegations": [{"unit": "a.service", "cgroup": "/a"}]})"));

INSTANTIATE_TEST_SUITE_P(Delegations, BadDocument, testing::ValuesIn([] {
                           std::vector<std::string> documents;
                           for (const auto* keys : {R"("nmae": "a")",
                                                    R"("name": "")",
                                                    R"("name": "a\u0001")",
                                                    R"("scheduler": "a/b")",
                                                    R"("scheduler": "-a")",
                                                    R"("scheduler": 1)",
                                                    R"("weight": 0)",
                                                    R"("weight": 10001)",
                                                    R"("weight": 1.5)",
                                                    R"("weight": "1")",
                                                    R"("min_cpus": -1)",
                                                    R"("min_cpus": 65537)",
                                                    R"("max_cpus": 0)",
                                                    R"("max_cpus": true)",
                                                    R"("min_cpus": "10")",
                                                    R"("min_cpus": "101%")",
                                                    R"("max_cpus": "-1%")",
                                                    R"("exclusive": "yes")",
                                                    R"("placement": "packed")",
                                                    R"("placement": "near:")",
                                                    R"("placement": "cpus:")",
                                                    R"("placement": "cpus:1-")",
                                                    R"("placement": "nodes:x")",
                                                    R"("placement": "cpus:,1")",
                                                    R"("placement": "xpack")",
                                                    R"("cores": "fast")",
                                                    R"("smt": "off")",
                                                    R"("lend": 1)",
                                                    R"("lend": "core")",
                                                    R"("exclusive": true, "lend": "cores")",
                                                    R"("borrow": null)",
                                                    R"("tenants": 1001)",
                                                    R"("min_age_ms": 60001)",
                                                    R"("min_age_ms": -1)",
                                                    R"("min_age_ms": 0.5)",
                                                    R"("caps": "perf")",
                                                    R"("caps": ["perf", "enq"])",
                                                    R"("options": [])",
                                                    R"("options": {"a-b": 1})",
                                                    R"("options": {"a": 1.5})",
                                                    R"("options": {"a": null})",
                                                    R"("options": {"a": []})",
                                                    R"("restart": false)",
                                                    R"("restart": {"delay": 1})",
                                                    R"("restart": {"enabled": 1})",
                                                    R"("restart": {"first_delay_ms": 0})",
                                                    R"("restart": {"max_delay_ms": 86400001})",
                                                    R"("restart": {"quarantine_after": 1001})",
                                                    R"("restart": {"max_denied_per_second": 0})",
                                                    R"("exclusive": true, "lend": true)"})
                             documents.push_back(delegation_with(keys));
                           return documents;
                         }()));

class GoodDelegation : public testing::TestWithParam<std::string> {};

TEST_P(GoodDelegation, IsAcceptedByBoth) {
  const auto document = delegation_with(GetParam());
  EXPECT_TRUE(schema_accepts(json::parse(document)));
  EXPECT_THAT(faults_of({document}), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, GoodDelegation,
    testing::Values(R"("name": "a b/c")", R"("scheduler": "_A-b.9")", R"("weight": 1)",
                    R"("weight": 10000)", R"("min_cpus": 0)", R"("min_cpus": 0.25)",
                    R"("max_cpus": 65536)", R"("max_cpus": 0.01)", R"("exclusive": false)",
                    R"("placement": "cpus:0-3,8,10-11")", R"("placement": "spread")",
                    R"("placement": "nodes:0-1,3")", R"("cores": "any")", R"("smt": "split")",
                    R"("caps": [])", R"("tenants": 0)", R"("min_age_ms": 0)",
                    R"("min_age_ms": 60000)", R"("options": {"a_1": "x", "_": -1})",
                    R"("options": {})", R"("restart": {})", R"("exclusive": true, "lend": false)",
                    R"("exclusive": false, "lend": true)", R"("lend": "cores")"));

TEST(Patterns, AreAcceptedByBoth) {
  for (const auto* document :
       {R"({"delegations": [{"cgroup_glob": "/a/*", "class": "c"}], "classes": {"c": {}}})",
        R"({"delegations": [{"cgroup_regex": "/a/.*", "weight": 3}]})"}) {
    EXPECT_TRUE(schema_accepts(json::parse(document)));
    EXPECT_THAT(faults_of({document}), IsEmpty());
  }
}

TEST(Selectors, AreAcceptedByBoth) {
  for (const auto* subject :
       {R"("unit": "db.service")", R"("unit": "dev-disk\\x2dby.swap")", R"("unit": "web@*")",
        R"("unit": "db[!0-9]?.service")", R"("slice": "a-b.slice")", R"("slice": "a")",
        R"("user": 1000)", R"("user": "alice")", R"("container": "0123456789ab")",
        R"("machine": "web")", R"("machine": "build-*.a_?")", R"("pod": {"qos": "guaranteed"})",
        R"("pod": {"uid": "0123456789abcdef0123456789abcdef"})",
        R"("pod": {"qos": "burstable", "uid": "0f3c2a1e-5b7d-4c11-9a64-d2f1c0b3a987"})"}) {
    const auto document = fmt::format(R"({{"delegations": [{{{}, "weight": 5}}]}})", subject);
    EXPECT_TRUE(schema_accepts(json::parse(document))) << document;
    EXPECT_THAT(faults_of({document}), IsEmpty());
  }
}

/// The keys that the parser names when it meets one it does not know.
std::set<std::string> keys_of_parser(const std::string& document) {
  const auto fault = faults_of({document}).at(0);
  const auto list = fault.substr(fault.find("there are ") + 10);
  std::set<std::string> keys;
  for (std::size_t from = 0; from != std::string::npos;) {
    const auto comma = list.find(", ", from);
    keys.insert(list.substr(from, comma - from));
    from = comma == std::string::npos ? comma : comma + 2;
  }
  return keys;
}

std::set<std::string> keys_of_schema(const char* object) {
  std::set<std::string> keys;
  const auto schema = read_json(shipped("policy.schema.json"));
  for (const auto& [key, value] : schema.at(json::json_pointer(object)).at("properties").items())
    keys.insert(key);
  return keys;
}

TEST(SchemaAndParser, KnowTheSameKeys) {
  EXPECT_EQ(keys_of_parser(R"({"zzzzzz": 1})"), keys_of_schema(""));
  EXPECT_EQ(keys_of_parser(R"({"root": {"zzzzzz": 1}})"), keys_of_schema("/definitions/root"));
  EXPECT_EQ(keys_of_parser(delegation_with(R"("zzzzzz": 1)")),
            keys_of_schema("/definitions/delegation"));
  EXPECT_EQ(keys_of_parser(R"({"classes": {"a": {"zzzzzz": 1}}})"),
            keys_of_schema("/definitions/class"));
  EXPECT_EQ(keys_of_parser(delegation_with(R"("restart": {"zzzzzz": 1})")),
            keys_of_schema("/definitions/restart"));
  EXPECT_EQ(keys_of_parser(R"({"delegations": [{"pod": {"zzzzzz": 1}}]})"),
            keys_of_schema("/definitions/pod"));
}

}  // namespace
}  // namespace fief
