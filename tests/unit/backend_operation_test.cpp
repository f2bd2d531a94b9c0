// SPDX-License-Identifier: GPL-2.0-only
// What follows from an operation: how it is told, what it needs, and whose it may be.
#include <gtest/gtest.h>

#include "backend/operation.hpp"

namespace fief {
namespace {

TEST(OperationTest, IsToldInTheJournal) {
  const ChangedKeys keys{{"weight", std::int64_t{300}}, {"placement", std::string("spread")}};
  const ChangedKeys scheduler{{"options", Options{{"slice_us", std::int64_t{500}}}},
                              {"scheduler", std::string("batch")}};
  const std::vector<std::pair<Operation, std::string>> cases{
      {Set{"db", keys, Lifetime::persistent}, "set placement=spread, weight=300 of db"},
      {Set{"db", keys, Lifetime::until_restart},
       "set placement=spread, weight=300 of db, until a restart"},
      {Attach{"/x", {}, Lifetime::persistent}, "attach a scheduler to /x"},
      {Attach{"/x", scheduler, Lifetime::until_restart},
       "attach a scheduler to /x: options={slice_us=500}, scheduler=batch, until a restart"},
      {Detach{"db", Lifetime::persistent}, "detach the scheduler of db"},
      {Revert{"db"}, "revert what was changed of db"},
      {Kill{"db", "enough"}, "kill the scheduler of db: enough"},
      {Boost{.subject = "db", .keys = keys, .reason = ""},
       "boost db: placement=spread, weight=300"},
      {Boost{.subject = "db", .keys = keys, .reason = "a dump"},
       "boost db: placement=spread, weight=300, for a dump"},
      {Reload{}, "reload the policy"},
      {Replan{false}, "plan afresh"},
      {Replan{true}, "plan from scratch"},
      {Leave{}, "leave for good"},
      {SetLogLevel{log::Level::error, "crit"}, "log from level crit on"}};
  for (const auto& [operation, text] : cases)
    EXPECT_EQ(to_text(operation), text);
}

TEST(OperationTest, NamesItsSubjectAndItsPermission) {
  EXPECT_EQ(subject_of(Kill{"db", ""}), "db");
  EXPECT_EQ(subject_of(Reload{}), "");
  EXPECT_EQ(permission_for(Attach{"db", {}, {}}), Permission::load_scheduler);
  EXPECT_EQ(permission_for(Detach{"db", {}}), Permission::reconfigure);
  EXPECT_TRUE(blames_files(Reload{}));
  EXPECT_FALSE(blames_files(Revert{"db"}));
}

TEST(OperationTest, OwnersAskForWhatIsOneDelegations) {
  const auto set = owners_wish(Set{"/a", {{"weight", std::int64_t{5}}}, Lifetime::persistent});
  ASSERT_TRUE(set);
  EXPECT_EQ(set->subject, "/a");
  EXPECT_TRUE(set->keys.contains("weight"));
  EXPECT_EQ(set->lifetime, Lifetime::persistent);
  const auto boost = owners_wish(Boost{.subject = "/a", .keys = {}, .reason = ""});
  ASSERT_TRUE(boost);
  EXPECT_EQ(boost->lifetime, Lifetime::until_restart);
  EXPECT_EQ(owners_wish(Revert{"/a"}).value().lifetime, Lifetime::until_restart);
  for (const Operation& others :
       std::vector<Operation>{Kill{"/a", ""}, Reload{}, Replan{}, Leave{}, SetLogLevel{}})
    EXPECT_FALSE(owners_wish(others)) << to_text(others);
}

TEST(OperationTest, WhatCannotBeAskedForIsInvalid) {
  EXPECT_TRUE(check(Attach{"db", {}, {}}));
  EXPECT_TRUE(check(Kill{"db", std::string(127, 'x')}));
  for (const Operation& wrong : std::vector<Operation>{
           Set{"db", {}, {}}, Set{"db", {{"scheduler", std::string("fair")}}, {}},
           Boost{.subject = "db", .keys = {{"enabled", true}}, .reason = ""},
           Kill{"db", std::string(128, 'x')}}) {
    const auto status = check(wrong);
    ASSERT_FALSE(status) << to_text(wrong);
    EXPECT_EQ(status.error().code, Errc::invalid);
  }
}

TEST(OperationTest, AKillHasAReason) {
  EXPECT_EQ(reason_of(Kill{"db", "enough"}, {.uid = 7}), "enough");
  EXPECT_EQ(reason_of(Kill{"db", ""}, {.uid = 7}), "uid 7 asked for it");
}

}  // namespace
}  // namespace fief
