// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/hierarchy_kind.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "temp_dir.hpp"

namespace fief {
namespace {

class HierarchyKind : public testing::Test {
 protected:
  void make(const std::string& controller) const {
    std::filesystem::create_directory(directory_.path() / controller);
  }
  [[nodiscard]] std::string mount() const { return directory_.path().string(); }
  [[nodiscard]] Error refusal() const {
    const auto status = check_is_cgroup2(mount());
    return status ? Error{Errc::invalid, "it was taken"} : status.error();
  }

 private:
  test::TempDir directory_;
};

TEST_F(HierarchyKind, VersionOneIsNamed) {
  make("cpu");
  EXPECT_EQ(refusal().code, Errc::unsupported);
  EXPECT_EQ(refusal().message,
            "this system runs cgroup v1; fief needs cgroup v2 alone: boot with "
            "systemd.unified_cgroup_hierarchy=1");
}

TEST_F(HierarchyKind, HybridIsNamed) {
  make("cpu");
  make("unified");
  EXPECT_EQ(refusal().message,
            "this system runs cgroup v1 beside v2 (\"hybrid\"); fief needs cgroup v2 alone: boot "
            "with systemd.unified_cgroup_hierarchy=1");
}

TEST_F(HierarchyKind, AnythingElseIsNoHierarchy) {
  EXPECT_EQ(refusal().message, mount() + " is not the mount point of a cgroup2 hierarchy");
  EXPECT_EQ(check_is_cgroup2(mount() + "/gone").error().code, Errc::not_found);
}

}  // namespace
}  // namespace fief
