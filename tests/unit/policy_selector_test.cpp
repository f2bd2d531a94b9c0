// SPDX-License-Identifier: GPL-2.0-only
// Selectors: what each stands for, what is no selector, and how people see them.
#include <gmock/gmock.h>

#include "policy/layers.hpp"
#include "policy/show.hpp"
#include "policy_texts.hpp"

namespace fief {
namespace {

using test::faults_of;
using test::parse;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kId[] = "0123456789ab";
constexpr char kUid[] = "0f3c2a1e-5b7d-4c11-9a64-d2f1c0b3a987";

std::string document(std::string_view keys) {
  return fmt::format(R"({{"delegations": [{{{}}}]}})", keys);
}

/// Whether the one pattern that @p keys make means @p path.
bool means(std::string_view keys, std::string_view path) {
  const auto policy = parse({document(keys)});
  return policy && policy->patterns.size() == 1 && policy->patterns[0].cgroups.matches(path);
}

/// The path that @p keys stand for; "" if there is none.
std::string path_of(std::string_view keys) {
  const auto policy = parse({document(keys)});
  return policy && policy->delegations.size() == 1 ? policy->delegations[0].cgroup : std::string{};
}

TEST(Unit, IsMeantInAnySlice) {
  constexpr char kDb[] = R"("unit": "db.service")";
  EXPECT_TRUE(means(kDb, "/system.slice/db.service"));
  EXPECT_TRUE(means(kDb, "/a.slice/a-b.slice/db.service"));
  EXPECT_TRUE(means(kDb, "/db.service"));
  EXPECT_FALSE(means(kDb, "/system.slice/db.service/worker"));
  EXPECT_FALSE(means(kDb, "/system.slice/mydb.service"));
  EXPECT_FALSE(means(kDb, "/system.slice/dbxservice"));
  EXPECT_TRUE(
      means(R"("unit": "worker@1.service")", "/system.slice/system-worker.slice/worker@1.service"));
  EXPECT_TRUE(means(R"("unit": "session-3.scope")", "/user.slice/user-1000.slice/session-3.scope"));
  EXPECT_TRUE(means(R"("unit": "a-b.slice")", "/a.slice/a-b.slice"));
}

// Whoever owns what stands above may name cgroups below it as they please.
TEST(Unit, OfAUserOrAContainerIsNotMeant) {
  constexpr char kDb[] = R"("unit": "db.service")";
  EXPECT_FALSE(means(kDb, "/user.slice/user-1000.slice/user@1000.service/app.slice/db.service"));
  EXPECT_FALSE(means(kDb, "/machine.slice/libpod-0123.scope/system.slice/db.service"));
  EXPECT_FALSE(means(kDb, "/docker/0123456789ab/db.service"));
}

TEST(Unit, WithoutATypeIsAService) {
  EXPECT_TRUE(means(R"("unit": "db")", "/system.slice/db.service"));
  EXPECT_TRUE(means(R"("unit": "postgres.main")", "/system.slice/postgres.main.service"));
  EXPECT_FALSE(means(R"("unit": "db")", "/system.slice/db.socket"));
}

TEST(Unit, GlobsAreThoseOfSystemctl) {
  EXPECT_TRUE(
      means(R"("unit": "web@*.service")", "/system.slice/system-web.slice/web@a-1.service"));
  EXPECT_FALSE(means(R"("unit": "web@*.service")", "/system.slice/web.service"));
  EXPECT_TRUE(means(R"("unit": "web*")", "/system.slice/web.socket"));
  EXPECT_TRUE(means(R"("unit": "db?.service")", "/system.slice/db1.service"));
  EXPECT_TRUE(means(R"("unit": "db[0-9].service")", "/system.slice/db7.service"));
  EXPECT_FALSE(means(R"("unit": "db[!0-9].service")", "/system.slice/db7.service"));
  EXPECT_TRUE(means(R"("unit": "db[!0-].service")", "/system.slice/db7.service"));
  EXPECT_TRUE(means(R"("unit": "x[]!].mount")", "/system.slice/x].mount"));
  EXPECT_FALSE(means(R"("unit": "s[*-:]a.service")", "/s/a.service"));
  EXPECT_FALSE(means(R"("unit": "*.service")", "/user.slice/user@1.service/a.service"));
}

TEST(Unit, NamesAreEscapedAsSystemdDoes) {
  EXPECT_TRUE(means(R"("unit": "dev-disk\\x2dby.swap")", R"(/system.slice/dev-disk\x2dby.swap)"));
  EXPECT_TRUE(means(R"("unit": "dev-*\\x2d*.swap")", R"(/system.slice/dev-disk\x2dby.swap)"));
  EXPECT_TRUE(means(R"("unit": "cpu.service")", "/system.slice/_cpu.service"));
  EXPECT_TRUE(means(R"("unit": "_a.service")", "/system.slice/__a.service"));
  EXPECT_FALSE(means(R"("unit": "_cpu.service")", "/system.slice/_cpu.service"));
  EXPECT_TRUE(means(R"("unit": "c*.service")", "/system.slice/_cpu.service"));
  EXPECT_FALSE(means(R"("unit": "_*.service")", "/system.slice/_cpu.service"));
}

TEST(Slice, IsInsideThoseThatItsNameNames) {
  EXPECT_EQ(path_of(R"("slice": "background.slice")"), "/background.slice");
  EXPECT_EQ(path_of(R"("slice": "background")"), "/background.slice");
  EXPECT_EQ(path_of(R"("slice": "a-b-c.slice")"), "/a.slice/a-b.slice/a-b-c.slice");
  EXPECT_EQ(path_of(R"("slice": "a\\x2db.slice")"), R"(/a\x2db.slice)");
  EXPECT_EQ(path_of(R"("slice": "cpu-_a.slice")"), "/_cpu.slice/cpu-_a.slice");
  EXPECT_EQ(path_of(R"("slice": "cpu1.slice")"), "/cpu1.slice");
  EXPECT_EQ(path_of(R"("slice": "_a.slice")"), "/__a.slice");
}

TEST(User, HasASlice) {
  EXPECT_EQ(path_of(R"("user": 1000)"), "/user.slice/user-1000.slice");
  EXPECT_EQ(path_of(R"("user": 0)"), "/user.slice/user-0.slice");
  EXPECT_EQ(path_of(R"("user": "alice")"), "/user.slice/user-1001.slice");
}

TEST(Container, IsMeantByItsId) {
  const auto keys = fmt::format(R"("container": "{}")", kId);
  const auto whole = std::string(kId) + std::string(52, '7');
  EXPECT_TRUE(means(keys, "/system.slice/docker-" + whole + ".scope"));
  EXPECT_TRUE(means(keys, "/docker/" + whole));
  EXPECT_FALSE(means(keys, "/machine.slice/libpod-conmon-" + whole + ".scope"));
  EXPECT_FALSE(means(keys, "/kubepods.slice/kubepods-podx.slice/crio-conmon-" + whole + ".scope"));
  EXPECT_FALSE(means(keys, "/machine.slice/libpod-" + whole + ".scope/container"));
  EXPECT_FALSE(means(keys, "/system.slice/docker-7" + whole + ".scope"));
  EXPECT_FALSE(means(keys, "/home/" + whole));
}

TEST(Pod, IsMeantByItsClassAndItsUid) {
  constexpr char kBurstable[] =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice";
  EXPECT_TRUE(means(R"("pod": {"qos": "burstable"})", kBurstable));
  EXPECT_FALSE(means(R"("pod": {"qos": "besteffort"})", kBurstable));
  EXPECT_FALSE(means(R"("pod": {"qos": "guaranteed"})", kBurstable));
  EXPECT_FALSE(means(R"("pod": {"qos": "burstable"})", "/kubepods.slice/kubepods-burstable.slice"));
  EXPECT_TRUE(means(R"("pod": {"qos": "guaranteed"})", "/kubepods/pod1-2"));
  const auto by_uid = fmt::format(R"("pod": {{"uid": "{}"}})", kUid);
  EXPECT_TRUE(means(by_uid, fmt::format("/kubepods/besteffort/pod{}", kUid)));
  EXPECT_TRUE(
      means(by_uid, "/kubepods.slice/kubepods-pod0f3c2a1e_5b7d_4c11_9a64_d2f1c0b3a987.slice"));
  EXPECT_FALSE(means(by_uid, "/kubepods/besteffort/pod1-2"));
}

TEST(Machine, IsMeantByTheNameThatPeopleSee) {
  constexpr char kWeb[] = R"("machine": "web-1")";
  EXPECT_TRUE(means(kWeb, R"(/machine.slice/machine-qemu\x2d3\x2dweb\x2d1.scope)"));
  EXPECT_TRUE(means(kWeb, R"(/vms.slice/vms-prod.slice/machine-lxc\x2d4711\x2dweb\x2d1.scope)"));
  EXPECT_TRUE(means(kWeb, R"(/machine.slice/machine-web\x2d1.scope)"));
  EXPECT_TRUE(means(kWeb, "/machine.slice/systemd-nspawn@web-1.service"));
  EXPECT_TRUE(means(kWeb, "/machine.slice/systemd-vmspawn@web-1.service"));
  EXPECT_FALSE(means(kWeb, R"(/machine.slice/machine-qemu\x2d3\x2dweb\x2d12.scope)"));
  EXPECT_FALSE(means(kWeb, R"(/machine.slice/machine-qemu\x2d3\x2dmyweb\x2d1.scope)"));
  EXPECT_FALSE(means(kWeb, R"(/machine.slice/machine-qemu\x2d3\x2dweb\x2d1.scope/libvirt)"));
  EXPECT_FALSE(means(kWeb, R"(/machine.slice/systemd-nspawn@web\x2d1.service)"));
  // Whoever owns what stands above may name cgroups below it as they please.
  EXPECT_FALSE(means(kWeb, R"(/user.slice/user-7.slice/user@7.service/machine-web\x2d1.scope)"));
  EXPECT_TRUE(means(R"("machine": "my_db")", R"(/machine.slice/machine-qemu\x2d1\x2dmydb.scope)"))
      << "as libvirt registers it";
}

TEST(Machine, GlobsStandForEscapedCharactersToo) {
  constexpr char kBuilds[] = R"("machine": "build?*")";
  EXPECT_TRUE(means(kBuilds, R"(/machine.slice/machine-qemu\x2d3\x2dbuild\x2d1.scope)"));
  EXPECT_TRUE(means(kBuilds, R"(/machine.slice/machine-build1.scope)"));
  EXPECT_TRUE(means(kBuilds, "/machine.slice/systemd-nspawn@build-.service"));
  EXPECT_FALSE(means(kBuilds, R"(/machine.slice/machine-build.scope)"));
  EXPECT_FALSE(means(R"("machine": "*")", "/machine.slice/libpod-0123456789ab.scope"));
  EXPECT_TRUE(
      means(R"("machine": "qemu-1-web")", R"(/machine.slice/machine-qemu\x2d1\x2dweb.scope)"))
      << "as machinectl shows it";
}

TEST(Selectors, NameDelegationsAsPatternsAndPathsDo) {
  const auto name_of = [](const std::string& keys) {
    const auto policy = parse({document(keys)});
    return policy->patterns.empty() ? policy->delegations.at(0).name
                                    : policy->patterns[0].delegation.name;
  };
  EXPECT_EQ(name_of(R"("unit": "db.service")"), "db.service");
  EXPECT_EQ(name_of(R"("unit": "db.service", "name": "db")"), "db");
  EXPECT_EQ(name_of(R"("slice": "a-b.slice")"), "/a.slice/a-b.slice");
  EXPECT_EQ(name_of(R"("user": "alice")"), "/user.slice/user-1001.slice");
  EXPECT_EQ(name_of(fmt::format(R"("container": "{}")", kId)), kId);
  EXPECT_EQ(name_of(R"("machine": "build-*")"), "build-*");
  EXPECT_EQ(name_of(R"("pod": {"qos": "besteffort"})"), "qos=besteffort");
  EXPECT_EQ(name_of(fmt::format(R"("pod": {{"uid": "{}", "qos": "burstable"}})", kUid)),
            fmt::format("qos=burstable,uid={}", kUid));
}

TEST(Selectors, AreBeatenByPathsAndBeatGlobs) {
  const auto policy = parse({R"({"delegations": [
      {"name": "early", "unit": "db.service"}, {"name": "late", "unit": "d*.service"},
      {"name": "glob", "cgroup_glob": "/system.slice/*"}, {"name": "regex", "cgroup_regex": ".*"},
      {"cgroup": "/system.slice/db.service", "weight": 7}]})"});
  ASSERT_TRUE(policy);
  std::vector<std::string> names;
  for (const auto& pattern : policy->patterns)
    names.push_back(pattern.delegation.name);
  EXPECT_THAT(names, ElementsAre("late", "early", "glob", "regex"));
  EXPECT_EQ(policy->delegations.at(0).weight, 7U);
}

TEST(Selectors, GetFromPatternsWhatTheyDoNotSay) {
  const auto policy = parse({R"({"delegations": [
      {"cgroup_glob": "/user.slice/*", "weight": 30}, {"user": 1000, "max_cpus": 2}]})"});
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->delegations.at(0).weight, 30U);
  EXPECT_EQ(policy->delegations.at(0).max_cpus, 2);
}

TEST(Selectors, LaterFilesChangeDelegationsByTheirNames) {
  const auto policy = parse({R"({"delegations": [{"unit": "db.service", "weight": 5},
                                                 {"slice": "a.slice"}]})",
                             R"({"delegations": [{"unit": "db.service", "max_cpus": 2},
                                                 {"name": "/a.slice", "weight": 6}]})"});
  ASSERT_TRUE(policy);
  ASSERT_EQ(policy->patterns.size(), 1U);
  EXPECT_EQ(policy->patterns[0].delegation.weight, 5U);
  EXPECT_EQ(policy->patterns[0].delegation.max_cpus, 2);
  EXPECT_EQ(policy->delegations.at(0).weight, 6U);
}

TEST(Selectors, AreShownAsTheyWereWritten) {
  const std::vector sources{PolicyText{
      "1",
      "{\"delegations\": [\n{\"unit\": \"db\"},\n{\"user\": \"alice\"},\n{\"slice\": \"b\"}]}"}};
  const auto shown = show_policy(sources, test::small_machine());
  ASSERT_TRUE(shown);
  const auto& unit = shown->delegations.at(0).values.at(0);
  EXPECT_EQ(unit.key, "unit");
  EXPECT_EQ(std::get<std::string>(unit.value), "db");
  EXPECT_EQ(unit.line, 2U);
  const auto& user = shown->delegations.at(1).values;
  EXPECT_EQ(user.at(0).key, "user");
  EXPECT_EQ(std::get<std::string>(user.at(0).value), "alice");
  EXPECT_EQ(user.at(1).key, "cgroup");
  EXPECT_EQ(std::get<std::string>(user.at(1).value), "/user.slice/user-1001.slice");
  EXPECT_EQ(origin_of(*shown, "/b.slice", "slice"), "1:4");
}

class SelectorFault : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(SelectorFault, NamesPlaceAndRemedy) {
  EXPECT_THAT(faults_of({document(GetParam().first)}), ElementsAre(HasSubstr(GetParam().second)));
}

INSTANTIATE_TEST_SUITE_P(
    Values, SelectorFault,
    testing::Values(
        std::pair{R"("unit": 5)", "1.json:1:27: /delegations/0/unit: 5 is not the name of a unit"},
        std::pair{R"("unit": "")", "names have 1 to 255 bytes"},
        std::pair{R"("unit": "a b.service")", "systemd-escape(1)"},
        std::pair{R"("unit": "/system.slice/a.service")", "systemd-escape(1)"},
        std::pair{R"("unit": "a.timer")", R"(units of type "timer" have no cgroup)"},
        std::pair{R"("unit": "a@.service")", "its instances have: \"a@*.service\""},
        std::pair{R"("unit": "-.slice")", "that is the root"},
        std::pair{R"("unit": "a[b.service")", "the set \"[b.service\" has no end"},
        std::pair{R"("unit": "a[[:alpha:]].service")", "has no end"},
        std::pair{R"("unit": "a[z-a].service")", "range out of order"},
        std::pair{R"("slice": [])", "[…] is not the name of a slice, such as"},
        std::pair{R"("slice": "-.slice")", "that is the root"},
        std::pair{R"("slice": "")", "names have 1 to 255 bytes"},
        std::pair{R"("slice": "a--b.slice")", "stands between the names of two slices"},
        std::pair{R"("slice": "a-.slice")", "stands between the names of two slices"},
        std::pair{R"("slice": "a-*.slice")", "\"unit\" takes globs"},
        std::pair{R"("slice": "a/b.slice")", "systemd-escape(1)"},
        std::pair{R"("user": -1)", "-1 is not a user's name, or number from 0 to 4294967294"},
        std::pair{R"("user": 4294967295)", "number from 0 to 4294967294"},
        std::pair{R"("user": "bob")",
                  "/delegations/0/user: there is no user \"bob\"; a number needs no look-up"},
        std::pair{R"("container": "0123456789a")", "first 12 digits or more"},
        std::pair{R"("container": "my-database")", "names are not in the paths of cgroups"},
        std::pair{R"("container": "0123456789AB")", "0 to 9 and a to f"},
        std::pair{R"("machine": 7)", "7 is not the name of a virtual machine or container as"},
        std::pair{R"("machine": "")", "names have 1 to 64 bytes"},
        std::pair{R"("machine": "my vm")", "stand for others"},
        std::pair{R"("machine": "a/b")", "stand for others"},
        std::pair{R"("pod": {})", "by \"qos\", by \"uid\" or by both, and neither is there"},
        std::pair{R"("pod": "x")", "is not an object of qos, uid"},
        std::pair{R"("pod": {"qos": "bursty"})", R"("guaranteed" or "burstable" or "besteffort")"},
        std::pair{R"("pod": {"uid": "web-0"})", "is not the uid of a pod"},
        std::pair{R"("pod": {"uid": "web-0", "qos": "burstable"})", "/pod/uid: "},
        std::pair{R"("pod": {"name": "web-0"})", "unknown key \"name\"; there are qos, uid"}));

INSTANTIATE_TEST_SUITE_P(
    Subjects, SelectorFault,
    testing::Values(
        std::pair{R"("weight": 5)",
                  "1.json:1:18: /delegations/0: key \"cgroup\" is missing, or one of slice, user, "
                  "unit, container, pod, machine, cgroup_glob, cgroup_regex in its place"},
        std::pair{R"("unit": "a.service", "slice": "b.slice")",
                  "1.json:1:27: /delegations/0/unit: a delegation has one key that says which "
                  "cgroups it is about; remove \"unit\" here, or \"slice\" in 1.json:1"},
        std::pair{R"("cgroup": "/a", "user": 1)", "remove \"user\" here, or \"cgroup\" in"},
        std::pair{R"("pod": {"qos": "burstable"}, "cgroup_glob": "/a")",
                  "remove \"cgroup_glob\" here, or \"pod\" in"},
        std::pair{R"("slice": "a.slice"}, {"cgroup": "/a.slice", "name": "a")",
                  "belongs to delegation \"/a.slice\""},
        std::pair{R"("unit": "a.service"}, {"cgroup": "/a", "placement": "near:a.service")",
                  "stands for any number of cgroups"}));

TEST(Selectors, OfALaterFileDoNotReplaceAPath) {
  EXPECT_THAT(faults_of({R"({"delegations": [{"name": "a", "cgroup": "/a"}]})",
                         R"({"delegations": [{"name": "a", "unit": "a.service"}]})"}),
              ElementsAre(HasSubstr("2.json:1:40: /delegations/0/unit: a delegation has one key")));
}

TEST(UserLookup, KnowsWhoIsNotThere) {
  EXPECT_EQ(user_id_of("root").value_or(1), 0U);
  const auto nobody = user_id_of("there/is/no/such/user");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::not_found);
}

}  // namespace
}  // namespace fief
