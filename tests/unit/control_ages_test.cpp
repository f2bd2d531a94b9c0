// SPDX-License-Identifier: GPL-2.0-only
// From when on cgroups that come are old enough for a scheduler.
#include "control/schedulers/ages.hpp"

#include <gtest/gtest.h>

namespace fief::test {
namespace {

using std::chrono::milliseconds;

constexpr Ages::Time kStart{std::chrono::hours(1)};

class AgesTest : public testing::Test {
 protected:
  AgesTest() {
    cgroups_.nodes.push_back({CgroupId{1}, "/", 0, kDefaultWeight, false, true});
    delegate("/old", milliseconds(100));
    delegate("/young", milliseconds(100));
    delegate("/any", milliseconds(0));
    put("/old", CgroupId{2});
  }

  void delegate(const std::string& path, milliseconds min_age) {
    Delegation delegation;
    delegation.name = delegation.cgroup = path;
    delegation.min_age = min_age;
    policy_.delegations.push_back(delegation);
  }
  void put(const std::string& path, CgroupId id) {
    std::erase_if(cgroups_.nodes, [&](const CgroupNode& node) { return node.path == path; });
    cgroups_.nodes.push_back({id, path, 0, kDefaultWeight, false, true});
  }
  void note(int ms) { ages_.note(policy_, cgroups_, at(ms)); }
  [[nodiscard]] bool is_young(const std::string& path, int ms) const {
    return ages_.old_enough_at(path, at(ms)).has_value();
  }
  static Ages::Time at(int ms) { return kStart + milliseconds(ms); }

  Policy policy_;
  CgroupTree cgroups_;
  Ages ages_;
};

TEST_F(AgesTest, WhoComesIsYoungForAsLongAsItsDelegationSays) {
  note(0);
  put("/young", CgroupId{3});
  put("/any", CgroupId{4});
  note(10);
  note(50);
  EXPECT_FALSE(is_young("/old", 50)) << "it was there before anybody looked";
  EXPECT_FALSE(is_young("/any", 50));
  EXPECT_TRUE(is_young("/young", 109));
  EXPECT_FALSE(is_young("/young", 110));
  EXPECT_EQ(ages_.next(at(50)), at(110));
  EXPECT_FALSE(ages_.next(at(110)));
}

TEST_F(AgesTest, AnotherCgroupOfTheSamePathIsYoungAgain) {
  note(0);
  put("/old", CgroupId{9});
  note(10);
  EXPECT_TRUE(is_young("/old", 20));
}

TEST_F(AgesTest, ANewChanceIsForWhoeverIsThere) {
  note(0);
  put("/young", CgroupId{3});
  note(10);
  ages_.forgive("/young");
  EXPECT_FALSE(is_young("/young", 10));
  put("/young", CgroupId{5});
  note(20);
  EXPECT_TRUE(is_young("/young", 20));
  ages_.forgive();
  note(30);
  EXPECT_FALSE(is_young("/young", 30));
}

}  // namespace
}  // namespace fief::test
