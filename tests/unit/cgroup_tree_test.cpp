// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/tree.hpp"

#include <gmock/gmock.h>

#include "cgroup/hierarchy.hpp"

namespace fief {
namespace {

using testing::ElementsAre;
using testing::Field;

CgroupHierarchy sample() {
  CgroupHierarchy hierarchy({.id = CgroupId{1}, .populated = true});
  hierarchy.insert(CgroupId{1}, "b", {.id = CgroupId{2}, .weight = 200});
  hierarchy.insert(CgroupId{1}, "a", {.id = CgroupId{3}});
  hierarchy.insert(CgroupId{2}, "c", {.id = CgroupId{4}, .populated = true});
  hierarchy.insert(CgroupId{2}, "c-1", {.id = CgroupId{5}, .idle = true});
  return hierarchy;
}

auto has_path(const char* path) {
  return Field(&CgroupNode::path, path);
}

TEST(CgroupTree, FindsByIdAndPath) {
  auto hierarchy = sample();
  const auto& tree = hierarchy.snapshot();
  ASSERT_NE(tree.find(CgroupId{4}), nullptr);
  EXPECT_EQ(tree.find(CgroupId{4})->path, "/b/c");
  EXPECT_EQ(tree.find("/b/c"), tree.find(CgroupId{4}));
  EXPECT_EQ(tree.find("/")->id, CgroupId{1});
  EXPECT_EQ(tree.find(CgroupId{9}), nullptr);
  EXPECT_EQ(tree.find("/b/"), nullptr);
}

TEST(CgroupTree, TellsDescendants) {
  auto hierarchy = sample();
  const auto& tree = hierarchy.snapshot();
  const auto descends = [&tree](const char* node, const char* ancestor) {
    return tree.is_descendant(*tree.find(node), *tree.find(ancestor));
  };
  EXPECT_TRUE(descends("/b/c", "/b"));
  EXPECT_TRUE(descends("/b/c", "/"));
  EXPECT_TRUE(descends("/b", "/b"));
  EXPECT_FALSE(descends("/b", "/b/c"));
  EXPECT_FALSE(descends("/a", "/b"));
  EXPECT_FALSE(descends("/b/c-1", "/b/c"));
}

TEST(CgroupHierarchy, SnapshotHasParentsFirstAndSiblingsSorted) {
  auto hierarchy = sample();
  const auto& tree = hierarchy.snapshot();
  EXPECT_THAT(tree.nodes, ElementsAre(has_path("/"), has_path("/a"), has_path("/b"),
                                      has_path("/b/c"), has_path("/b/c-1")));
  for (std::uint32_t i = 0; i < tree.nodes.size(); ++i)
    EXPECT_LE(tree.nodes[i].parent, i);
  EXPECT_EQ(tree.nodes[tree.find("/b/c")->parent].path, "/b");
  EXPECT_EQ(tree.find("/b")->weight, 200U);
  EXPECT_TRUE(tree.find("/b/c-1")->idle);
  EXPECT_TRUE(tree.find("/b/c")->populated);
}

TEST(CgroupHierarchy, ErasesWholeSubtrees) {
  auto hierarchy = sample();
  hierarchy.erase(CgroupId{2});
  EXPECT_THAT(hierarchy.snapshot().nodes, ElementsAre(has_path("/"), has_path("/a")));
  EXPECT_EQ(hierarchy.find(CgroupId{4}), nullptr);
  EXPECT_FALSE(hierarchy.child(CgroupId{1}, "b"));
}

TEST(CgroupHierarchy, UpdatesTheSnapshotInPlace) {
  auto hierarchy = sample();
  const auto* before = hierarchy.snapshot().nodes.data();
  hierarchy.update({.id = CgroupId{4}, .weight = 7, .idle = true, .populated = false});
  const auto& tree = hierarchy.snapshot();
  EXPECT_EQ(tree.nodes.data(), before);
  EXPECT_EQ(*tree.find("/b/c"), (CgroupNode{.id = CgroupId{4},
                                            .path = "/b/c",
                                            .parent = 2,
                                            .weight = 7,
                                            .idle = true,
                                            .populated = false}));
}

TEST(CgroupHierarchy, UpdateBeforeTheFirstSnapshotIsNotLost) {
  auto hierarchy = sample();
  hierarchy.update({.id = CgroupId{3}, .weight = 55});
  EXPECT_EQ(hierarchy.snapshot().find("/a")->weight, 55U);
}

}  // namespace
}  // namespace fief
