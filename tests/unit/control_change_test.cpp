// SPDX-License-Identifier: GPL-2.0-only
// What people change while the daemon runs: until a restart, for good, and back again.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>

#include "control_world.hpp"
#include "core/fd.hpp"
#include "core/message_ids.hpp"
#include "kernel/exit_kind.hpp"

namespace fief::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Change : public World {
 protected:
  void start_with(const std::vector<std::string>& delegations) {
    set_policy(policy_of(delegations));
    start();
  }
  Status change(const std::string& subject, std::map<std::string, ChangedValue> keys,
                Lifetime lifetime = Lifetime::until_restart) {
    return perform(Set{subject, std::move(keys), lifetime});
  }
  Status attach(const std::string& subject, std::map<std::string, ChangedValue> keys = {},
                Lifetime lifetime = Lifetime::until_restart) {
    return perform(Attach{subject, std::move(keys), lifetime});
  }
  Status detach(const std::string& subject, Lifetime lifetime = Lifetime::until_restart) {
    return perform(Detach{subject, lifetime});
  }
  Status revert(const std::string& subject) { return perform(Revert{subject}); }
  Status kill(const std::string& subject) { return perform(Kill{subject, "test"}); }
  [[nodiscard]] bool is_attached(const std::string& path) {
    return kernel_.observe()->find(id(path)) != nullptr;
  }
  [[nodiscard]] std::string drop_in(const std::string& name) const {
    std::ifstream file(drop_ins_.path() / "policy.d" / drop_in_name(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(Change, IsAnsweredWhenTheKernelHoldsIt) {
  make("/a");
  make("/b");
  start_with({quick("/a"), quick("/b")});
  const auto before = owned("/a");
  ASSERT_TRUE(change("/a", {{"weight", 1000}}));
  EXPECT_GT(owned("/a"), before);
  EXPECT_EQ(view("/a").weight, 1000U);
  EXPECT_TRUE(controller_->status(Figures::read).as_planned);
  EXPECT_EQ(drop_in("/a"), "");
}

TEST_F(Change, TheJournalSaysWhyThereIsAnotherPlan) {
  make("/a");
  make("/b");
  start_with({quick("/a"), quick("/b")});
  records_.clear();
  set_weight("/a", 900);
  const auto is_told = [](const log::Record& record) {
    return record.fields.message_id == message::kPlanApplied &&
           record.fields.cause == "the weight of /a is 900 and was 100" &&
           record.fields.cgroup == "/a" && record.fields.plan;
  };
  wait_until("the plan is told with its cause",
             [&] { return std::ranges::any_of(records_, is_told); });
}

TEST_F(Change, TheJournalSaysWhoWasBoostedAndUntilWhen) {
  make("/a");
  start_with({quick("/a")});
  ASSERT_TRUE(perform(Boost{.subject = "/a", .keys = {{"weight", 500}}, .reason = "", .hold = 7}));
  EXPECT_EQ(logged(message::kBoostEnded), 0U);
  controller_->release(8);
  EXPECT_EQ(logged(message::kBoostEnded), 0U);
  controller_->release(7);
  EXPECT_EQ(logged(message::kBoostEnded), 1U);
  EXPECT_EQ(records_.back().fields.subject, "/a");
  controller_->release(7);
  EXPECT_EQ(logged(message::kBoostEnded), 1U);
}

TEST_F(Change, KnowsDelegationsByNamePathAndUnit) {
  make("/system.slice");
  make("/system.slice/db.service");
  start_with({R"({"name": "db", "cgroup": "/system.slice/db.service"})"});
  for (const auto* subject : {"db", "/system.slice/db.service", "db.service"})
    EXPECT_TRUE(change(subject, {{"weight", 300}})) << subject;
  const auto unknown = change("other", {{"weight", 300}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
}

TEST_F(Change, ThatCannotBeIsRefusedBeforeAnythingChanges) {
  make("/a");
  start_with({quick("/a")});
  settle();
  const auto applies = kernel_.applies();
  const auto too_much = change("/a", {{"min_cpus", 100}}, Lifetime::persistent);
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().code, Errc::infeasible);
  EXPECT_THAT(too_much.error().message, HasSubstr("/a"));
  const auto slip = change("/a", {{"wieght", 100}}, Lifetime::persistent);
  ASSERT_FALSE(slip);
  EXPECT_EQ(slip.error().code, Errc::invalid);
  EXPECT_THAT(slip.error().message, HasSubstr("did you mean \"weight\""));
  const auto range = change("/a", {{"weight", 20000}});
  ASSERT_FALSE(range);
  EXPECT_EQ(range.error().message, "weight: 20000 is not a whole number from 1 to 10000");
  kernel_.set_schedulers({"fair"});
  const auto scheduler = change("/a", {{"scheduler", std::string("fiar")}});
  ASSERT_FALSE(scheduler);
  EXPECT_THAT(scheduler.error().message, HasSubstr("there are fair"));
  settle();
  EXPECT_EQ(kernel_.applies(), applies);
  EXPECT_TRUE(is_attached("/a"));
  EXPECT_EQ(drop_in("/a"), "");
}

TEST_F(Change, UnitsAreMeantAsSystemctlMeansThem) {
  make("/system.slice");
  make("/system.slice/c.service");
  start_with({});
  const auto none = change("c.service", {{"weight", 5}});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("\"fiefctl attach /system.slice/c.service\""));
  EXPECT_EQ(detach("c").error().message, none.error().message);
  ASSERT_TRUE(attach("c.service"));
  EXPECT_TRUE(is_attached("/system.slice/c.service"));
  ASSERT_TRUE(change("c", {{"weight", 500}}));
  EXPECT_EQ(view("/system.slice/c.service").weight, 500U);
  EXPECT_TRUE(controller_->explain("c"));
  ASSERT_TRUE(detach("c.service"));
  EXPECT_THAT(attach("nothing.service").error().message, HasSubstr("no such unit or cgroup"));
}

TEST_F(Change, IsNotRefusedForTheSchedulerOfAnother) {
  make("/a");
  make("/b");
  start_with({quick("/a"), R"({"cgroup": "/b", "scheduler": "mine"})"});
  kernel_.set_schedulers({"fair"});
  ASSERT_TRUE(change("/a", {{"weight", 300}}));
  EXPECT_TRUE(is_attached("/b"));
  EXPECT_FALSE(change("/a", {{"scheduler", std::string("mine")}}));
}

TEST_F(Change, WhatWaitsIsExplained) {
  start_with({R"({"name": "db", "cgroup": "/db"})", R"({"name": "all", "cgroup_glob": "/x/*"})"});
  EXPECT_THAT(controller_->explain("db")->text, HasSubstr("db waits: there is no cgroup /db now"));
  EXPECT_THAT(controller_->explain("all")->text, HasSubstr("stands for 0 cgroups now"));
}

TEST_F(Change, ForGoodIsOrdinaryPolicy) {
  make("/a");
  start_with({quick("/a")});
  ASSERT_TRUE(change("/a", {{"weight", 700}}));
  ASSERT_TRUE(change("/a", {{"weight", 300}}, Lifetime::persistent));
  EXPECT_EQ(view("/a").weight, 300U);
  EXPECT_THAT(drop_in("/a"), HasSubstr("\"weight\": 300"));
  ASSERT_TRUE(reload());
  EXPECT_EQ(view("/a").weight, 300U);
  ASSERT_TRUE(revert("/a"));
  EXPECT_EQ(view("/a").weight, 100U);
  EXPECT_EQ(drop_in("/a"), "");
}

TEST_F(Change, ForGoodIsJudgedOnce) {
  make("/a");
  start_with({quick("/a")});
  const auto before = kernel_.option_calls();
  ASSERT_TRUE(change("/a", {{"weight", 300}}, Lifetime::persistent));
  EXPECT_EQ(kernel_.option_calls() - before, 1U);
  EXPECT_THAT(origin_of(controller_->policy(), "/a", "weight"), HasSubstr(drop_in_name("/a")));
}

TEST_F(Change, ForGoodIsJudgedAnewWhereThePolicyIsAnotherOnceItIsWritten) {
  make("/a");
  start_with({quick("/a")});
  const auto before = kernel_.option_calls();
  std::optional<Status> outcome;
  begin(Set{"/a", {{"weight", 300}}, Lifetime::persistent}, &outcome);
  begin(Set{"/a", {{"max_cpus", 2}}, Lifetime::until_restart});
  wait_until("an answer", [&outcome] { return outcome.has_value(); });
  EXPECT_EQ(kernel_.option_calls() - before, 3U);
  EXPECT_EQ(view("/a").weight, 300U);
  EXPECT_THAT(origin_of(controller_->policy(), "/a", "max_cpus"), HasSubstr("run time"));
}

// Whoever opens a FIFO waits for the other side, as one does for a disk that hangs.
TEST_F(Change, ForGoodWaitsForTheDiskAndNobodyElseDoes) {
  make("/a");
  make("/b");
  start_with({quick("/a"), quick("/b")});
  ASSERT_TRUE(change("/b", {{"weight", 200}}, Lifetime::persistent));
  const auto hangs = drop_ins_.path() / "policy.d/.fief-new";
  ASSERT_EQ(mkfifo(hangs.c_str(), 0600), 0);
  std::map<std::string, std::optional<Status>> outcomes;
  begin(Set{"/a", {{"weight", 700}}, Lifetime::persistent}, &outcomes["/a"]);
  begin(Set{"/b", {{"weight", 800}}, Lifetime::persistent}, &outcomes["/b"]);
  ASSERT_TRUE(change("/a", {{"weight", 300}}));
  EXPECT_EQ(view("/a").weight, 300U);
  EXPECT_FALSE(outcomes["/a"]);
  EXPECT_FALSE(outcomes["/b"]);
  // No file that could be kept: the one is refused and changes nothing, the next has its turn.
  const UniqueFd other_side(::open(hangs.c_str(), O_RDONLY | O_CLOEXEC));
  wait_until("both answers", [&] { return outcomes["/a"] && outcomes["/b"]; });
  ASSERT_FALSE(*outcomes["/a"]);
  EXPECT_EQ(outcomes["/a"]->error().code, Errc::io);
  EXPECT_EQ(view("/a").weight, 300U);
  EXPECT_EQ(drop_in("/a"), "");
  EXPECT_TRUE(*outcomes["/b"]);
  EXPECT_EQ(view("/b").weight, 800U);
  EXPECT_THAT(drop_in("/b"), HasSubstr("\"weight\": 800"));
}

TEST_F(Change, ForGoodIsRefusedWhereALaterFileHasTheLastWord) {
  make("/a");
  set_policy(policy_of({quick("/a")}));
  write_file(drop_ins_.path() / "policy.d/99.json",
             R"({"delegations": [{"name": "/a", "weight": 42}]})");
  start();
  const auto outcome = change("/a", {{"weight", 300}}, Lifetime::persistent);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("99.json:1"));
  EXPECT_EQ(drop_in("/a"), "");
  EXPECT_EQ(view("/a").weight, 42U);
}

TEST_F(Change, UntilARestartOutlivesAReload) {
  make("/a");
  make("/b");
  start_with({quick("/a"), quick("/b")});
  ASSERT_TRUE(change("/a", {{"weight", 700}}));
  ASSERT_TRUE(change("/b", {{"weight", 800}}));
  set_policy(policy_of({quick("/a")}));
  ASSERT_TRUE(reload());
  EXPECT_EQ(view("/a").weight, 700U);
  set_policy(policy_of({quick("/a"), quick("/b")}));
  ASSERT_TRUE(reload());
  EXPECT_EQ(view("/b").weight, 100U);
}

TEST_F(Change, OfTheSchedulerReplacesIt) {
  make("/a");
  start_with({quick("/a")});
  ASSERT_TRUE(change("/a", {{"scheduler", std::string("batch")}}));
  EXPECT_EQ(kernel_.observe()->find(id("/a"))->name, "fief_batch");
  EXPECT_GT(owned("/a"), 0U);
}

TEST_F(Change, AttachesAndDetachesWhatThePolicyDoesNotName) {
  make("/a");
  make("/new");
  start_with({quick("/a")});
  ASSERT_TRUE(attach("/new", {{"scheduler", std::string("batch")}}));
  EXPECT_GT(owned("/new"), 0U);
  EXPECT_EQ(view("/new").scheduler, "batch");
  ASSERT_TRUE(detach("/new"));
  EXPECT_FALSE(is_attached("/new"));
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/new", "requested"}));
  ASSERT_TRUE(attach("/new"));
  EXPECT_EQ(view("/new").scheduler, "batch");
  ASSERT_TRUE(revert("/new"));
  EXPECT_FALSE(is_attached("/new"));
}

TEST_F(Change, DetachesForGood) {
  make("/a");
  start_with({quick("/a")});
  ASSERT_TRUE(detach("/a", Lifetime::persistent));
  EXPECT_FALSE(is_attached("/a"));
  ASSERT_TRUE(reload());
  EXPECT_FALSE(is_attached("/a"));
  ASSERT_TRUE(attach("/a", {}, Lifetime::persistent));
  EXPECT_TRUE(is_attached("/a"));
}

TEST_F(Change, AttachNeedsACgroupThatIsFree) {
  make("/foreign");
  start_with({});
  ASSERT_TRUE(kernel_.attach_foreign(id("/foreign"), "other"));
  wait_until("the foreign scheduler", [this] { return view("/foreign").foreign; });
  const auto absent = attach("/absent");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Errc::not_found);
  for (const auto& refused : {attach("/foreign"), detach("/foreign")}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::busy);
  }
}

TEST_F(Change, AttachIsAnotherChance) {
  make("/a");
  kernel_.fail_attaches(1, {Errc::invalid, "no such option"});
  start_with({quick("/a")});
  EXPECT_EQ(view("/a").state, SchedulerState::quarantined);
  ASSERT_TRUE(attach("/a"));
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
}

TEST_F(Change, AFailingAttachIsTheAnswerOfItsOwnRequestOnly) {
  make("/a");
  make("/b");
  start_with({quick("/a"), quick("/b")});
  kernel_.fail_attaches(1, {Errc::invalid, "not today"});
  const auto failed = change("/a", {{"scheduler", std::string("batch")}});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("not today"));
  EXPECT_TRUE(change("/b", {{"weight", 300}}));
}

TEST_F(Change, ASchedulerThatCannotBeLoadedLeavesTheOldOne) {
  make("/a");
  make("/b");
  start_with({quick("/a"), quick("/b")});
  const auto had = kernel_.observe()->find(id("/a"))->held;
  listener_.signals.clear();
  kernel_.fail_child_loads(1, {Errc::invalid, "it was built for another version"});
  const auto failed = change("/a", {{"scheduler", std::string("batch")}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message,
            "/a keeps its scheduler fair, since batch cannot take its place: it was built for "
            "another version; \"fiefctl revert /a\" takes a change back");
  EXPECT_EQ(kernel_.observe()->find(id("/a"))->name, "fief_fair");
  EXPECT_EQ(kernel_.observe()->find(id("/a"))->held, had);
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(view("/a").scheduler, "fair");
  EXPECT_TRUE(view("/a").as_planned);
  EXPECT_EQ(view("/a").last_error, "batch cannot take its place: it was built for another version");
  EXPECT_EQ(controller_->status(Figures::read).state, "degraded");
  EXPECT_THAT(listener_.signals, IsEmpty());
  EXPECT_EQ(logged(message::kAttachFailed), 1U);
  EXPECT_EQ(logged(message::kQuarantined), 0U);
  EXPECT_TRUE(change("/b", {{"weight", 300}}));
  ASSERT_TRUE(revert("/a"));
  EXPECT_EQ(view("/a").last_error, "");
  EXPECT_EQ(kernel_.attach_calls(), 3U);
  EXPECT_EQ(controller_->status(Figures::read).state, "running");
}

TEST_F(Change, ASchedulerThatTheVerifierRefusesIsTriedAgainWhileTheOldOneGoesOn) {
  make("/a");
  start_with({quick("/a")});
  kernel_.fail_child_loads(2, {Errc::kernel, "the verifier refuses it"});
  const auto failed = change("/a", {{"scheduler", std::string("batch")}});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("the verifier refuses it"));
  EXPECT_GT(owned("/a"), 0U);
  wait_until("the third attempt",
             [this] { return view("/a").scheduler == "batch" && owned("/a") > 0; });
  EXPECT_EQ(kernel_.observe()->find(id("/a"))->name, "fief_batch");
  EXPECT_EQ(logged(message::kAttachFailed), 2U);
  EXPECT_EQ(logged(message::kSchedulerExited), 0U);
}

TEST_F(Change, AnOldSchedulerThatEndsWhileItIsKeptMakesRoom) {
  make("/a");
  start_with({quick("/a")});
  kernel_.fail_child_loads(1, {Errc::invalid, "no such option"});
  ASSERT_FALSE(change("/a", {{"scheduler", std::string("batch")}}));
  kernel_.end_scheduler(id("/a"), exit_kind::kError, 0, "crash");
  wait_for("/a", SchedulerState::quarantined);
  EXPECT_EQ(view("/a").scheduler, "batch");
  EXPECT_THAT(view("/a").last_error, HasSubstr("crash"));
}

TEST_F(Change, WhatStandsBelowAReplacedSchedulerComesBack) {
  make("/a");
  make("/a/b");
  start_with({quick("/a"), quick("/a/b")});
  ASSERT_TRUE(change("/a", {{"scheduler", std::string("batch")}}));
  wait_for("/a/b", SchedulerState::attached);
  EXPECT_EQ(kernel_.observe()->find(id("/a/b"))->parent, id("/a"));
  EXPECT_GT(owned("/a/b"), 0U);
  EXPECT_EQ(logged(message::kSchedulerExited), 0U);
}

TEST_F(Change, AWishThatIsTakenBackWhileItIsCarriedOutIsNoneAfterwards) {
  make("/a");
  start_with({quick("/a")});
  kernel_.hold_changes(true);
  begin(Set{"/a", {{"scheduler", std::string("batch")}}, Lifetime::until_restart});
  wait_until("the attempt", [this] { return kernel_.attach_calls() == 2; });
  begin(Detach{"/a", Lifetime::until_restart});
  settle();
  EXPECT_EQ(logged(message::kSchedulerExited), 0U);
  kernel_.hold_changes(false);
  wait_until("the end of it", [this] { return !is_attached("/a"); });
  EXPECT_EQ(view("/a").state, SchedulerState::detached);
}

TEST_F(Change, AFailingSchedulerIsShownAndTakenBackByRevert) {
  make("/a");
  start_with({quick("/a")});
  kernel_.fail_attaches(1, {Errc::invalid, "the verifier refuses it"});
  const auto failed = change("/a", {{"scheduler", std::string("batch")}}, Lifetime::persistent);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("\"fiefctl revert /a\""));
  EXPECT_EQ(view("/a").state, SchedulerState::quarantined);
  EXPECT_THAT(view("/a").last_error, HasSubstr("the verifier refuses it"));
  ASSERT_TRUE(revert("/a"));
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(view("/a").scheduler, "fair");
}

TEST_F(Change, WhatIsDetachedIsShownAsSuch) {
  make("/a");
  start_with({quick("/a"), R"({"cgroup": "/never", "enabled": false})"});
  EXPECT_EQ(view("/never").state, SchedulerState::detached);
  ASSERT_TRUE(detach("/a"));
  EXPECT_EQ(view("/a").state, SchedulerState::detached);
  EXPECT_EQ(view("/a").cgroup, id("/a"));
  EXPECT_EQ(controller_->status(Figures::read).state, "running");
  ASSERT_TRUE(kernel_.attach_foreign(id("/a"), "other"));
  wait_until("the foreign scheduler", [this] { return view("/a").foreign; });
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
}

TEST_F(Change, KillEndsOwnAndForeignSchedulers) {
  make("/a");
  make("/a/b");
  make("/foreign");
  start_with({quick("/a"), quick("/a/b")});
  ASSERT_TRUE(kernel_.attach_foreign(id("/foreign"), "other"));
  wait_until("the foreign scheduler", [this] { return view("/foreign").foreign; });
  ASSERT_TRUE(kill("/foreign"));
  EXPECT_FALSE(is_attached("/foreign"));
  EXPECT_EQ(kill("/foreign").error().code, Errc::not_found);
  ASSERT_TRUE(kill("/a/b"));
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/a/b", "killed"}));
  wait_for("/a/b", SchedulerState::attached);
  ASSERT_TRUE(kill("/a"));
  EXPECT_THAT(listener_.signals, Contains(Listener::Signal{"/a", "killed"}));
  wait_for("/a", SchedulerState::attached);
}

TEST_F(Change, ReplanFromScratchKeepsThePromises) {
  make("/a", 300);
  make("/b", 100);
  start_with({quick("/a"), quick("/b")});
  const auto before = owned("/a");
  for (const bool from_scratch : {false, true})
    EXPECT_TRUE(perform(Replan{from_scratch}));
  EXPECT_EQ(owned("/a"), before);
}

TEST_F(Change, StoppingAnswersWhoWaits) {
  make("/a");
  start_with({quick("/a")});
  std::optional<Status> outcome;
  begin(Set{"/a", {{"weight", 300}}, Lifetime::until_restart}, &outcome);
  ASSERT_TRUE(controller_->stop(Leaving::for_good));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error().code, Errc::stale);
}

}  // namespace
}  // namespace fief::test
