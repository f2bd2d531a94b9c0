// SPDX-License-Identifier: GPL-2.0-only
// What the policy means and is not there now, beside what runs; and tables that keep names whole.
#include <gmock/gmock.h>

#include <array>
#include <cstdlib>

#include "cli/text/render.hpp"
#include "cli/text/table.hpp"
#include "cli/text/usage.hpp"
#include "cli/text/waiting.hpp"
#include "policy/find.hpp"

namespace fief::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

SchedulerView attached(CgroupId cgroup, const char* path) {
  SchedulerView view;
  view.cgroup = cgroup;
  view.path = path;
  view.delegation = path;
  view.state = SchedulerState::attached;
  return view;
}

StatusView with_waiting(const std::string& policy) {
  const PolicyText text{"p.json", policy};
  const auto shown = show_policy({&text, 1});
  EXPECT_TRUE(shown);
  StatusView status;
  status.schedulers = {attached(kSelf, "/"), attached(CgroupId{5}, "/there")};
  cli::add_waiting(status, *shown);
  return status;
}

TEST(Waiting, StatusAndTreeListWhatIsNotThere) {
  const auto status = with_waiting(R"({"delegations": [{"cgroup": "/there"},
      {"name": "db", "cgroup": "/a.slice/db.service"}, {"name": "pods", "pod": {"qos": "burstable"}},
      {"cgroup": "/off", "enabled": false}]})");
  for (const auto& text : {cli::render_status(status, {}), cli::render_tree(status, {})})
    EXPECT_THAT(text, AllOf(HasSubstr("a.slice/db.service"), HasSubstr("waits: no such cgroup"),
                            HasSubstr("pods"), HasSubstr("pattern: 0 now"), Not(HasSubstr("off"))));
}

TEST(Waiting, APatternWithMembersIsThere) {
  auto status = with_waiting("{}");
  status.schedulers.back().pattern = "all";
  const PolicyText text{"p.json", R"({"delegations": [{"name": "all", "cgroup_glob": "/*"}]})"};
  const auto before = status.schedulers.size();
  cli::add_waiting(status, *show_policy({&text, 1}));
  EXPECT_EQ(status.schedulers.size(), before);
}

cli::Table table() {
  cli::Table table({{"CGROUP", false, true}, {"STATE"}});
  for (const auto* name : {"first", "second"})
    table.add_row(
        {{"/a-slice-with-a-long-name.slice/another-one.slice/" + std::string(name) + ".service"},
         {"attached"}});
  return table;
}

TEST(Waiting, NamesKeepTheirLastPartOnANarrowTerminal) {
  const auto text = table().render({.utf8 = true, .width = 60});
  EXPECT_THAT(text, AllOf(HasSubstr("…/first.service"), HasSubstr("…/second.service")));
  EXPECT_THAT(table().render({.utf8 = true, .width = 20}), HasSubstr("…/second.service"));
}

TEST(Waiting, NamesInATreeStayWhole) {
  cli::Table tree({{"CGROUP", false, true}, {"HELD", false, true}});
  tree.add_row({{"   |- a-name-of-a-service-that-is-long.service"}, {"0-3,8-11,16-19,24-27"}});
  EXPECT_THAT(tree.render({.width = 60}), HasSubstr("a-name-of-a-service-that-is-long.service"));
}

TEST(Waiting, NothingIsCutWhereThereIsNoTerminal) {
  EXPECT_THAT(table().render({.width = 60, .whole = true}),
              HasSubstr("/a-slice-with-a-long-name.slice/another-one.slice/second.service"));
}

TEST(Waiting, ContainersGoByTwelveDigits) {
  const std::string id(64, 'a');
  EXPECT_EQ(cli::with_short_ids("/x.slice/docker-" + id + ".scope"),
            "/x.slice/docker-aaaaaaaaaaaa.scope");
  EXPECT_EQ(cli::with_short_ids("/deadbeef.slice"), "/deadbeef.slice");
}

// Where the runtimes put their containers, with the whole id and as "podman ps" and the like show
// it.
struct Shown {
  std::string path;
  std::string name;
};

std::vector<Shown> containers() {
  constexpr std::array kFormats{"/machine.slice/libpod-{}.scope",
                                "/machine.slice/libpod-{}.scope/container",
                                "/system.slice/docker-{}.scope",
                                "/kubepods.slice/kubepods-pod1_2.slice/crio-{}.scope",
                                "/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-{}.scope",
                                "/default/{}"};
  std::vector<Shown> all;
  for (const auto* format : kFormats)
    for (const auto* digits : {"3f4a9c0d12be", "3f4b9c0d12be"})
      all.push_back({fmt::format(fmt::runtime(format), digits + std::string(52, '7')),
                     fmt::format(fmt::runtime(format), digits)});
  return all;
}

TEST(Waiting, ContainersHaveTheNamesThatTheirRuntimesShow) {
  StatusView status;
  for (const auto& container : containers())
    status.schedulers.push_back(attached(CgroupId{9}, container.path.c_str()));
  const auto top = render_usage(cli::compare_usage(status, status, 1), {.whole = true});
  const auto list = cli::render_status(status, {.whole = true});
  const auto tree = cli::render_tree(status, {.width = 60});
  for (const auto& container : containers()) {
    EXPECT_THAT(top, HasSubstr(container.name + ' '));
    EXPECT_THAT(list, HasSubstr(container.name + ' '));
    EXPECT_THAT(tree, HasSubstr(container.name.substr(container.name.find("3f4"), 12)));
  }
  for (const auto& text : {top, list, tree})
    EXPECT_THAT(text, Not(HasSubstr("7777")));
}

// However narrow, and whatever the containers have inside.
TEST(Waiting, ContainersAreToldApart) {
  StatusView status;
  for (const auto& container : containers())
    status.schedulers.push_back(attached(CgroupId{9}, container.path.c_str()));
  const auto top = render_usage(cli::compare_usage(status, status, 1), {.utf8 = true, .width = 60});
  for (const auto& container : containers()) {
    const auto name = container.name.substr(container.name.rfind('/', container.name.find("3f4")));
    EXPECT_THAT(top, HasSubstr(name + ' '));
  }
}

TEST(Waiting, ColumnsSayHowWideAPipeIs) {
  ::setenv("COLUMNS", "72", 1);
  const auto said = cli::detect_style();
  ::unsetenv("COLUMNS");
  EXPECT_EQ(said.width, 72U);
  EXPECT_FALSE(said.whole);
}

TEST(Waiting, DelegationsGoByTheirContainersId) {
  Policy policy;
  for (const auto* digits : {"3f4a9c0d12be", "3f4b9c0d12be"}) {
    Delegation delegation;
    delegation.cgroup =
        fmt::format("/machine.slice/libpod-{}{}.scope", digits, std::string(52, '7'));
    delegation.name = delegation.cgroup;
    policy.delegations.push_back(delegation);
  }
  EXPECT_EQ(find_delegation(policy, "3f4b9c0d12be"), &policy.delegations[1]);
  EXPECT_EQ(find_delegation(policy, "3f4b9c0d12be77"), &policy.delegations[1]);
  EXPECT_EQ(find_delegation(policy, "3f4b9c0d12b"), nullptr) << "less than runtimes show";
  EXPECT_EQ(find_delegation(policy, "3f4c9c0d12be"), nullptr);
}

}  // namespace
}  // namespace fief::test
