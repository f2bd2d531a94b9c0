// SPDX-License-Identifier: GPL-2.0-only
// What is promised to whom: administrators first, then patterns, then tenants inside their
// landlord. Whoever comes later gives way alone.
#include <algorithm>

#include "control_world.hpp"
#include "core/message_ids.hpp"

namespace fief::test {
namespace {

using ::testing::IsEmpty;

constexpr uid_t kTenant = 1000;
constexpr uid_t kOther = 1001;
constexpr char kDb[] = R"({"cgroup": "/db", "exclusive": true, "min_cpus": 4})";
constexpr char kLandlord[] = R"({"cgroup": "/l", "tenants": 4})";

class PromisesTest : public World {
 protected:
  void start_with(const std::vector<std::string>& delegations) {
    set_policy(policy_of(delegations));
    start();
  }
  void make_own(const std::string& path, uid_t uid = kTenant) {
    make(path);
    owners_[path] = uid;
  }
  // As a client does: nothing begins without leave.
  Status ask(uid_t uid, const Operation& operation) {
    if (uid != 0)
      if (const auto may = controller_->check_tenant(owners_wish(operation).value(), uid); !may)
        return may;
    return perform(operation, {.uid = uid, .is_tenant = uid != 0});
  }
  Status attach_as(uid_t uid, const std::string& path, ChangedKeys keys = {}) {
    return ask(uid, Attach{path, std::move(keys), Lifetime::until_restart});
  }
  Status set_as(uid_t uid, const std::string& subject, ChangedKeys keys) {
    return ask(uid, Set{subject, std::move(keys), Lifetime::until_restart});
  }
  Status detach(const std::string& subject) {
    return perform(Detach{subject, Lifetime::until_restart});
  }
  Status boost(const std::string& subject, ChangedKeys keys) {
    return perform(Boost{.subject = subject, .keys = std::move(keys), .reason = "", .hold = 1});
  }
  std::string state() { return controller_->status(Figures::read).state; }
  bool is_attached(const std::string& path) { return kernel_.observe()->find(id(path)) != nullptr; }
  void expect_the_rest_is_well() {
    EXPECT_EQ(state(), "running");
    EXPECT_GE(owned("/db"), 4U);
    EXPECT_THAT(controller_->status(Figures::read).schedulers.front().last_error, IsEmpty());
  }
};

// Row 1: what is accepted can be put in force, and what cannot is refused alone.
TEST_F(PromisesTest, ATenantsPlacementTakesNothingFromAnybody) {
  make("/db");
  make("/l");
  make_own("/l/a");
  start_with({kDb, kLandlord});
  ASSERT_TRUE(attach_as(kTenant, "/l/a"));
  for (const auto* placement : {"cpus:0", "cpus:4", "cpus:7", "spread"}) {
    (void)set_as(kTenant, "/l/a", {{"placement", std::string(placement)}});
    settle();
    expect_the_rest_is_well();
    EXPECT_TRUE(controller_->status(Figures::read).as_planned);
  }
  EXPECT_TRUE(set_as(0, "/db", {{"weight", 200}}));
  EXPECT_TRUE(reload());
}

TEST_F(PromisesTest, ATenantAsksInsideWhatItsLandlordIsDue) {
  make("/db");
  make("/l");
  make_own("/l/a");
  start_with({kDb, kLandlord});
  ASSERT_TRUE(attach_as(kTenant, "/l/a"));
  const auto too_much = set_as(kTenant, "/l/a", {{"min_cpus", 6}});
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().code, Errc::infeasible);
  EXPECT_THAT(view("/l/a").last_error, IsEmpty());
  EXPECT_TRUE(set_as(kTenant, "/l/a", {{"min_cpus", 1}}));
  expect_the_rest_is_well();
}

TEST_F(PromisesTest, ATenantsWishIsLiftedWhenItsLandlordShrinks) {
  make("/db");
  make("/l");
  make_own("/l/a");
  start_with({kDb, kLandlord});
  ASSERT_TRUE(attach_as(kTenant, "/l/a", {{"min_cpus", 1}}));
  records_.clear();
  make("/m", 10000);
  const auto more = policy_of({kDb, kLandlord, R"({"cgroup": "/m"})"});
  set_policy(more);
  ASSERT_TRUE(reload());
  wait_until("it is told", [this] { return !view("/l/a").last_error.empty(); });
  EXPECT_EQ(view("/l/a").state, SchedulerState::attached);
  expect_the_rest_is_well();
  EXPECT_TRUE(set_as(0, "/db", {{"weight", 200}}));
  EXPECT_EQ(std::ranges::count_if(records_,
                                  [](const auto& record) {
                                    return record.fields.cgroup == "/l/a" &&
                                           record.fields.message_id == message::kPlanRefused;
                                  }),
            1);
  remove("/m");
  wait_until("it is met again", [this] { return view("/l/a").last_error.empty(); });
}

TEST_F(PromisesTest, ATenantHasNoPartOfOthersWhileItsLandlordHasNoScheduler) {
  make("/db");
  make("/l");
  make_own("/l/a");
  start_with({kDb, R"({"cgroup": "/l", "tenants": 4, "restart": {"quarantine_after": 1}})"});
  ASSERT_TRUE(attach_as(kTenant, "/l/a", {{"min_cpus", 1}}));
  kernel_.fail_attaches(1, {Errc::invalid, "not any more"});
  EXPECT_FALSE(set_as(0, "/l", {{"scheduler", std::string("batch")}}));
  wait_until("it is told", [this] { return !view("/l/a").last_error.empty(); });
  EXPECT_FALSE(is_attached("/l/a"));
}

// Row 4: a pattern's surplus members are held back, and nobody else notices.
TEST_F(PromisesTest, SurplusMembersOfAPatternStandInNobodysWay) {
  for (const auto* path : {"/db", "/other", "/new", "/pods"})
    make(path);
  for (int i = 0; i < 60; ++i)
    make(fmt::format("/pods/p{:02}", i));
  const std::string pods = R"({"name": "pods", "cgroup_glob": "/pods/*"})";
  start_with(
      {R"({"cgroup": "/db", "exclusive": true, "min_cpus": 6})", R"({"cgroup": "/other"})", pods});
  EXPECT_EQ(state(), "running");
  const auto held = [this] {
    const auto shown = controller_->status(Figures::read).schedulers;
    return std::ranges::count_if(shown, [](const SchedulerView& one) {
      return one.pattern == "pods" && one.state == SchedulerState::waiting &&
             !one.last_error.empty();
    });
  };
  EXPECT_GT(held(), 0);
  EXPECT_LT(held(), 60);
  EXPECT_TRUE(set_as(0, "/other", {{"weight", 300}}));
  EXPECT_TRUE(boost("/other", {{"weight", 900}}));
  EXPECT_TRUE(attach_as(0, "/new"));
  EXPECT_TRUE(set_as(0, "/new", {{"min_cpus", 0.5}}));
  EXPECT_TRUE(detach("/other"));
  EXPECT_TRUE(detach("/pods/p59")) << "a surplus one, or not";
  EXPECT_TRUE(reload());
  EXPECT_EQ(state(), "running");
  EXPECT_GE(owned("/db"), 6U);
  EXPECT_TRUE(is_attached("/new"));
  EXPECT_EQ(logged(message::kPlanRefused), 0U);
}

TEST_F(PromisesTest, AnAdministratorsDelegationComesBeforeAPatternsMembers) {
  make("/pods");
  for (int i = 0; i < 3; ++i)
    make(fmt::format("/pods/p{}", i));
  start_with({R"({"cgroup": "/db", "exclusive": true, "min_cpus": 4})",
              R"({"name": "pods", "cgroup_glob": "/pods/*", "min_cpus": 2})"});
  EXPECT_EQ(state(), "running");
  make("/db");
  wait_for("/db", SchedulerState::attached);
  wait_until("the promise", [this] { return owned("/db") >= 4; });
  wait_until("running", [this] { return state() == "running"; });
  EXPECT_TRUE(is_attached("/pods/p0"));
  const auto kept = std::ranges::count_if(
      controller_->status(Figures::read).schedulers,
      [](const SchedulerView& one) { return one.pattern == "pods" && one.last_error.empty(); });
  EXPECT_EQ(kept, 1) << "with the root's floor there is room for one more of two CPUs";
}

TEST_F(PromisesTest, AChangeOfAPatternThatNobodyOfItCouldHaveIsRefused) {
  make("/pods");
  make("/pods/p");
  start_with({R"({"name": "pods", "cgroup_glob": "/pods/*"})"});
  const auto refused = set_as(0, "pods", {{"min_cpus", 100}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::infeasible);
}

// Row 5: what a tenant asked for gives way to an administrator's reload.
TEST_F(PromisesTest, AReloadLiftsWhatATenantsSettingsContradict) {
  make("/l");
  make("/near");
  make_own("/l/a");
  const std::string near = R"({"name": "near", "cgroup": "/near"})";
  start_with({kLandlord, near});
  ASSERT_TRUE(attach_as(kTenant, "/l/a", {{"placement", std::string("near:near")}}));
  set_policy(policy_of({kLandlord}));
  records_.clear();
  ASSERT_TRUE(reload());
  EXPECT_TRUE(is_attached("/l/a")) << "only the wish goes";
  EXPECT_EQ(std::ranges::count_if(
                records_, [](const auto& record) { return record.fields.subject == "/l/a"; }),
            1);
  EXPECT_EQ(state(), "running");
}

TEST_F(PromisesTest, AnAdministratorsLimitIsOverATenantsMinimum) {
  make("/l");
  make_own("/l/a");
  start_with({kLandlord});
  ASSERT_TRUE(attach_as(kTenant, "/l/a", {{"min_cpus", 2}}));
  ASSERT_TRUE(set_as(0, "/l/a", {{"max_cpus", 1}}));
  EXPECT_LE(owned("/l/a"), 1U);
  const auto refused = set_as(kTenant, "/l/a", {{"min_cpus", 2}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
  ASSERT_TRUE(set_as(kTenant, "/l/a", {{"max_cpus", 3}}));
  EXPECT_LE(owned("/l/a"), 1U) << "the administrator's counts";
}

TEST_F(PromisesTest, AReloadThatNestsATenantTooDeepEndsIt) {
  make("/l");
  make("/l/b");
  make("/l/b/c");
  make_own("/l/b/c/a");
  start_with({kLandlord, R"({"cgroup": "/l/b"})"});
  ASSERT_TRUE(attach_as(kTenant, "/l/b/c/a"));
  set_policy(policy_of({kLandlord, R"({"cgroup": "/l/b"})", R"({"cgroup": "/l/b/c"})"}));
  ASSERT_TRUE(reload());
  EXPECT_FALSE(is_attached("/l/b/c/a"));
  EXPECT_TRUE(is_attached("/l/b/c"));
}

TEST_F(PromisesTest, AReloadIsNotRefusedForWhatATenantCannotHaveAnyMore) {
  make("/l");
  make_own("/l/a");
  start_with({kLandlord});
  ASSERT_TRUE(attach_as(kTenant, "/l/a", {{"min_cpus", 3}}));
  set_policy(fmt::format(R"({{"root": {{"min_cpus": 6}}, "delegations": [{}]}})", kLandlord));
  ASSERT_TRUE(reload());
  wait_until("it is told", [this] { return !view("/l/a").last_error.empty(); });
  EXPECT_EQ(state(), "running");
}

TEST_F(PromisesTest, AnOwnerNamesTheUnitAsAnybodyDoes) {
  make("/l.slice");
  make_own("/l.slice/a.service");
  make_own("/l.slice/b.service", kOther);
  start_with({R"({"cgroup": "/l.slice", "tenants": 4})"});
  EXPECT_TRUE(attach_as(kTenant, "a.service"));
  EXPECT_TRUE(is_attached("/l.slice/a.service"));
  const auto refused = attach_as(kTenant, "b.service");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
}

// Row 11: a place is given up with its cgroup, its owner and its room.
TEST_F(PromisesTest, APlaceEndsWithItsCgroup) {
  make("/l");
  make_own("/l/a");
  make_own("/l/b");
  start_with({R"({"cgroup": "/l", "tenants": 1})"});
  ASSERT_TRUE(attach_as(kTenant, "/l/a", {{"max_cpus", 1}}));
  EXPECT_FALSE(attach_as(kTenant, "/l/b"));
  remove("/l/a");
  wait_until("it has ended", [this] { return view("/l/a").path.empty(); });
  make_own("/l/a", kOther);
  EXPECT_TRUE(attach_as(kTenant, "/l/b"));
  EXPECT_EQ(view("/l/a").path, "") << "another cgroup at the same path";
}

TEST_F(PromisesTest, APlaceEndsWithItsOwner) {
  make("/l");
  make_own("/l/a");
  start_with({R"({"cgroup": "/l", "tenants": 1})"});
  ASSERT_TRUE(attach_as(kTenant, "/l/a", {{"max_cpus", 1}}));
  owners_["/l/a"] = kOther;
  EXPECT_FALSE(set_as(kTenant, "/l/a", {{"weight", 5}}));
  ASSERT_TRUE(attach_as(kOther, "/l/a"));
  EXPECT_GT(view("/l/a").entitlement.cpus, kCpuUnit) << "the limit was another's";
  EXPECT_TRUE(set_as(kOther, "/l/a", {{"weight", 200}}));
}

TEST_F(PromisesTest, PlacesEndWithTheirRoom) {
  make("/l");
  for (const auto* path : {"/l/a", "/l/b", "/l/c"})
    make_own(path);
  start_with({kLandlord});
  for (const auto* path : {"/l/a", "/l/b", "/l/c"})
    ASSERT_TRUE(attach_as(kTenant, path));
  set_policy(policy_of({R"({"cgroup": "/l", "tenants": 1})"}));
  ASSERT_TRUE(reload());
  EXPECT_TRUE(is_attached("/l/a"));
  EXPECT_FALSE(is_attached("/l/b"));
  EXPECT_FALSE(is_attached("/l/c"));
  EXPECT_FALSE(attach_as(kTenant, "/l/b"));
}

}  // namespace
}  // namespace fief::test
