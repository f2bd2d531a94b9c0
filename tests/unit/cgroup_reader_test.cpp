// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/reader.hpp"

#include <gmock/gmock.h>

#include "cgroup_fixture.hpp"

namespace fief {
namespace {

using test::CgroupFixture;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ReadCgroupTree, ReadsAttributesAndIds) {
  const CgroupFixture cgroups({{.path = "/b", .weight = 300, .idle = false, .populated = true},
                               {.path = "/b/c", .weight = 1, .idle = true},
                               {.path = "/a", .populated = true}});
  const auto tree = read_cgroup_tree(cgroups.mount());
  ASSERT_TRUE(tree) << tree.error().message;
  EXPECT_THAT(
      tree->nodes,
      ElementsAre(
          CgroupNode{.id = cgroups.id("/"), .path = "/", .populated = true},
          CgroupNode{.id = cgroups.id("/a"), .path = "/a", .weight = 100, .populated = true},
          CgroupNode{.id = cgroups.id("/b"), .path = "/b", .weight = 300, .populated = true},
          CgroupNode{
              .id = cgroups.id("/b/c"), .path = "/b/c", .parent = 2, .weight = 1, .idle = true}));
}

TEST(ReadCgroupTree, WeightsStayInTheirRange) {
  // Kernels before 6.12 show 0 for an idle group.
  const CgroupFixture cgroups({{.path = "/idle", .weight = 0, .idle = true}});
  EXPECT_EQ(read_cgroup_tree(cgroups.mount())->find("/idle")->weight, 1U);
}

TEST(ReadCgroupTree, ReadsLimits) {
  const CgroupFixture cgroups({{.path = "/a"}, {.path = "/b"}, {.path = "/c"}});
  cgroups.write("/a", "cpu.max", "40000 100000\n");
  cgroups.write("/b", "cpu.max", "max 100000\n");
  const auto tree = read_cgroup_tree(cgroups.mount());
  ASSERT_TRUE(tree) << tree.error().message;
  EXPECT_EQ(tree->find("/a")->limit, (CpuMax{.quota_us = 40'000, .period_us = 100'000}));
  EXPECT_EQ(tree->find("/b")->limit, std::nullopt);
  EXPECT_EQ(tree->find("/c")->limit, std::nullopt);
  cgroups.write("/c", "cpu.max", "40000\n");
  const auto torn = read_cgroup_tree(cgroups.mount());
  ASSERT_FALSE(torn);
  EXPECT_THAT(torn.error().message, HasSubstr("cpu.max: \"40000\n\" is no quota and period"));
}

TEST(ReadCgroupTree, FollowsNoLinks) {
  const CgroupFixture cgroups({{.path = "/a"}});
  std::filesystem::create_directory_symlink(cgroups.directory("/a"), cgroups.directory("/link"));
  const auto tree = read_cgroup_tree(cgroups.mount());
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->nodes.size(), 2U);
}

TEST(ReadCgroupTree, RefusesNonsense) {
  const CgroupFixture cgroups({{.path = "/a"}});
  test::write_file(cgroups.directory("/a") / "cpu.weight", "much\n");
  const auto tree = read_cgroup_tree(cgroups.mount());
  ASSERT_FALSE(tree);
  EXPECT_THAT(tree.error().message, HasSubstr("a: cpu.weight: \"much\n\" is not a number"));
}

TEST(ReadCgroupTree, NamesAMountThatIsNotThere) {
  const auto tree = read_cgroup_tree("/nowhere/cgroup");
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().code, Errc::not_found);
  EXPECT_THAT(tree.error().message, HasSubstr("/nowhere/cgroup"));
}

TEST(ReadUsage, ReadsMicroseconds) {
  const CgroupFixture cgroups({{.path = "/a", .usage_usec = 12'345'678'901}});
  EXPECT_EQ(read_usage_usec(cgroups.mount(), "/a", cgroups.id("/a")).value(), 12'345'678'901U);
}

TEST(ReadUsage, ChecksThatItIsTheCgroupMeant) {
  const CgroupFixture cgroups({{.path = "/a", .usage_usec = 1}});
  const auto other = read_usage_usec(cgroups.mount(), "/a", CgroupId{1});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::not_found);
  const auto gone = read_usage_usec(cgroups.mount(), "/b", CgroupId{1});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::not_found);
}

TEST(ReadUsage, SaysWhenThereIsNone) {
  const CgroupFixture cgroups({{.path = "/a"}});
  EXPECT_FALSE(read_usage_usec(cgroups.mount(), "/a", cgroups.id("/a")));
}

}  // namespace
}  // namespace fief
