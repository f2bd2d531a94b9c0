// SPDX-License-Identifier: GPL-2.0-only
// The service over the real controller and the model kernel: what clients see is what holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <memory>
#include <optional>

#include "api/service.hpp"
#include "backend/time_budget.hpp"
#include "control_world.hpp"
#include "core/message_ids.hpp"
#include "dbus/client.hpp"
#include "dbus/private_bus.hpp"
#include "status/json_values.hpp"
#include "status/policy_json.hpp"
#include "status/view_facts.hpp"
#include "status/view_json.hpp"

namespace fief::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class DaemonTest : public World {
 protected:
  /// Runs what a client does, which waits for answers, beside the daemon's loop.
  template <class Work>
  auto meanwhile(Work work) {
    auto result = std::async(std::launch::async, work);
    wait_until(
        "the client",
        [&result] { return result.wait_for(std::chrono::seconds{0}) == std::future_status::ready; },
        kPatience);
    return result.get();
  }

  /// Starts the controller, puts it on the bus, and connects a client.
  void start_on_bus() {
    start();
    boosts_.emplace(io_, *controller_);
    service_.emplace(io_, *controller_, *boosts_, budget_);
    controller_->set_listener(&*service_);
    service_->start();
    client_ = meanwhile([] {
      wait_for_name(dbus::kService);
      return std::make_unique<Client>();
    });
  }

  Outcome fiefctl(const std::string& arguments) {
    return meanwhile([&arguments] { return run(std::string(FIEF_FIEFCTL) + ' ' + arguments); });
  }
  Signal next_signal(const std::string& member) {
    return meanwhile([this, &member] { return client_->next_signal(member); });
  }

  json::Json client_plan() {
    return json::Json::parse(
        meanwhile([this] { return read_string(client_->call_manager("GetPlan").message); }));
  }

  PrivateBus bus_;
  std::optional<Boosts> boosts_;
  TimeBudget budget_;
  std::optional<Service> service_;
  std::unique_ptr<Client> client_;
};

TEST_F(DaemonTest, TreeShowsWhatTheKernelHolds) {
  make("/a", 300);
  make("/b", 100);
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start_on_bus();
  const auto status = status_from_json(fiefctl("tree --json").output);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->as_planned);
  const auto observation = kernel_.observe();
  ASSERT_EQ(status->schedulers.size(), 3U);
  for (const auto* path : {"/a", "/b"}) {
    const auto* shown = PathIndex(*status).find(path);
    ASSERT_NE(shown, nullptr);
    EXPECT_EQ(shown->held, observation->find(id(path))->held);
    EXPECT_FALSE(shown->held.enq().empty());
  }
}

TEST_F(DaemonTest, WeightChangeIsAnnounced) {
  make("/a", 100);
  make("/b", 100);
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start_on_bus();
  const auto before = owned("/a");
  set_weight("/a", 700);
  // The manager's plan number and each scheduler's properties change; in what order is open.
  std::string changed;
  for (int signal = 0; signal < 3 && changed != dbus::kSchedulerInterface; ++signal)
    changed = read_string(next_signal("PropertiesChanged").message);
  EXPECT_EQ(changed, dbus::kSchedulerInterface);
  EXPECT_GT(owned("/a"), before);
  EXPECT_EQ(view("/a").weight, 700U);
}

TEST_F(DaemonTest, SchedulersComeAndGoOnTheBus) {
  set_policy(policy_of({quick("/late")}));
  start_on_bus();
  const auto cgroup = make("/late");
  const auto attached = next_signal("SchedulerAttached");
  EXPECT_EQ(read_path(attached.message), object_path(cgroup));
  remove("/late");
  const auto detached = next_signal("SchedulerDetached");
  EXPECT_EQ(read_path(detached.message), object_path(cgroup));
  EXPECT_EQ(read_u64(detached.message), cgroup.value);
  EXPECT_EQ(read_string(detached.message), "/late");
  EXPECT_EQ(read_string(detached.message), "fair");
  EXPECT_EQ(read_string(detached.message), "cgroup-removed");
}

TEST_F(DaemonTest, ReloadAnswersWithTheNewStateInForce) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may reload without polkit";
  make("/a");
  start_on_bus();
  set_policy(policy_of({quick("/a")}));
  EXPECT_EQ(fiefctl("reload").status, 0);
  EXPECT_GT(owned("/a"), 0U);
}

TEST_F(DaemonTest, BadPolicyChangesNothingAndSaysWhy) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may reload without polkit";
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start_on_bus();
  const auto before = owned("/a");
  set_policy(R"({"delegations": [{"cgroup": "/a", "wieght": 1}]})");
  const auto refused = fiefctl("reload");
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.errors, HasSubstr("did you mean \"weight\""));
  EXPECT_EQ(owned("/a"), before);
  EXPECT_THAT(fiefctl("status").output, HasSubstr("the policy files were refused"));
}

TEST_F(DaemonTest, ADryRunShowsAReloadAndChangesNothing) {
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a")}));
  start_on_bus();
  EXPECT_EQ(fiefctl("reload --dry-run").output, "nothing changes\n");
  const auto before = owned("/a");
  set_policy(policy_of({quick("/a"), quick("/b")}));
  const auto shown = fiefctl("reload --dry-run");
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.output, HasSubstr("/b is added"));
  EXPECT_THAT(shown.output, HasSubstr("/b gains CPUs"));
  EXPECT_THAT(fiefctl("reload --dry-run --json").output, HasSubstr("\"change\": \"added\""));
  EXPECT_EQ(owned("/a"), before);
  set_policy("{");
  EXPECT_EQ(fiefctl("reload --dry-run").status, 3);
}

TEST_F(DaemonTest, PeopleChangeThingsAndUndoThem) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may change things without polkit";
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a")}));
  start_on_bus();
  EXPECT_EQ(fiefctl("set /a weight=300 max-cpus=2.5").status, 0);
  EXPECT_EQ(view("/a").weight, 300U);
  EXPECT_EQ(view("/a").entitlement.cpus, kCpuUnit * 5 / 2);
  const auto refused = fiefctl("set --runtime /a min-cpus=3");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.errors, HasSubstr("min_cpus 3 is above max_cpus 2.5"));
  EXPECT_EQ(fiefctl("attach /b --scheduler batch --runtime").status, 0);
  EXPECT_GT(owned("/b"), 0U);
  EXPECT_EQ(fiefctl("kill /b --reason enough").status, 0);
  EXPECT_EQ(fiefctl("detach /b --runtime").status, 0);
  EXPECT_EQ(fiefctl("revert /a").status, 0);
  EXPECT_EQ(view("/a").weight, 100U);
  EXPECT_EQ(fiefctl("replan --from-scratch").status, 0);
  EXPECT_GE(logged(message::kRequested), 7U);
  EXPECT_EQ(logged(message::kRequestRefused), 1U);
  const auto is_about_a = [](const log::Record& record) {
    return record.fields.subject == "/a" && record.fields.sender_uid == 0U;
  };
  EXPECT_EQ(std::ranges::count_if(records_, is_about_a), 4) << "set, set and its refusal, revert";
}

TEST_F(DaemonTest, TheOwnerOfACgroupDelegatesBelowWhoLetsThem) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may give a cgroup to somebody";
  constexpr uid_t kOwner = 65534;
  for (const auto* path : {"/a", "/a/mine", "/a/mine/too", "/a/roots", "/b", "/b/mine"})
    make(path);
  for (const auto* path : {"/a/mine", "/a/mine/too", "/b/mine"})
    ASSERT_EQ(::chown(cgroups_.directory(path).c_str(), kOwner, kOwner), 0);
  directories_have_owners_ = true;
  auto landlord = quick("/a");
  landlord.insert(1, R"("tenants": 1, )");
  set_policy(policy_of({landlord, quick("/b")}));
  start_on_bus();
  const auto as_owner = [this](const std::string& arguments) {
    return meanwhile([&arguments] {
      return run("setpriv --reuid 65534 --regid 65534 --clear-groups " FIEF_FIEFCTL " " +
                 arguments);
    });
  };
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const auto outcome = as_owner(arguments);
    EXPECT_EQ(outcome.status, 1) << arguments;
    EXPECT_THAT(outcome.errors, HasSubstr(why)) << arguments;
  };
  const auto due_before = view("/b").entitlement.cpus;
  const auto attached = as_owner("attach --runtime /a/mine");
  EXPECT_EQ(attached.status, 0) << attached.errors;
  EXPECT_GT(owned("/a/mine"), 0U);
  EXPECT_EQ(view("/b").entitlement.cpus, due_before);
  EXPECT_EQ(as_owner("set --runtime /a/mine weight=10000").status, 0);
  EXPECT_EQ(view("/a/mine").weight, 10000U);
  EXPECT_EQ(view("/b").entitlement.cpus, due_before);

  refused("attach /a/mine/too", "lasts until fiefd restarts");
  refused("attach --runtime /a/mine/too", "/a has room for 1 delegations of owners");
  refused("set --runtime /a/mine tenants=9", "\"tenants\" is not for owners");
  refused("attach --runtime /a/roots",
          "/a/roots is not yours: it belongs to uid 0, and you are 65534; ");
  refused("attach --runtime /b/mine",
          "/b/mine is the administrator's: no delegation above it lets");
  refused("set --runtime /a weight=9", "/a is the administrator's: no delegation above it lets");

  EXPECT_EQ(as_owner("revert /a/mine").status, 0);
  EXPECT_EQ(as_owner("attach --runtime /a/mine/too").status, 0) << "there is room again";
  EXPECT_EQ(fiefctl("attach --runtime /a/mine").status, 0);
  refused("set --runtime /a/mine weight=9", "the delegation of /a/mine is the administrator's");

  set_policy(policy_of({quick("/a"), quick("/b")}));
  EXPECT_EQ(fiefctl("reload").status, 0);
  EXPECT_EQ(view("/a/mine/too").path, "") << "the policy lets nobody any more";
  EXPECT_GT(owned("/a/mine"), 0U);
}

TEST_F(DaemonTest, PolicyShowNamesTheOriginOfEveryValue) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may change things without polkit";
  make("/a");
  set_policy(policy_of({quick("/a")}));
  start_on_bus();
  EXPECT_EQ(fiefctl("set /a weight=300").status, 0);
  EXPECT_EQ(fiefctl("set --runtime /a max-cpus=2.5").status, 0);
  const auto shown = fiefctl("policy show --json");
  ASSERT_EQ(shown.status, 0) << shown.errors;
  const auto policy = policy_from_json(shown.output);
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_THAT(origin_of(*policy, "/a", "cgroup"), HasSubstr("/policy.json:1"));
  EXPECT_THAT(origin_of(*policy, "/a", "weight"), HasSubstr("/policy.d/95-fief-a.json:"));
  EXPECT_THAT(origin_of(*policy, "/a", "max_cpus"), HasSubstr("run time, uid 0"));
  EXPECT_EQ(origin_of(*policy, "/a", "lend"), "");
  const auto text = fiefctl("policy show").output;
  EXPECT_THAT(text, HasSubstr("95-fief-a.json"));
  EXPECT_THAT(text, Not(HasSubstr("default")));
  EXPECT_THAT(fiefctl("policy show --defaults").output, HasSubstr("default"));
}

TEST_F(DaemonTest, ExplainsCgroupsAndCpusAsTheyAre) {
  make("/a", 300);
  make("/b", 100);
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start_on_bus();
  const auto cgroup = fiefctl("explain /a");
  EXPECT_EQ(cgroup.status, 0) << cgroup.errors;
  EXPECT_THAT(cgroup.output, HasSubstr("300"));
  EXPECT_THAT(fiefctl("explain --json /a").output, HasSubstr("\"limited_by\""));
  EXPECT_THAT(fiefctl("explain 3").output, HasSubstr("3"));
  EXPECT_EQ(fiefctl("explain 99").status, 1);
  EXPECT_EQ(fiefctl("explain /nowhere").status, 1);
}

TEST_F(DaemonTest, ABoostLastsAsLongAsItsHolder) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may change things without polkit";
  make("/a");
  make("/b");
  set_policy(policy_of({quick("/a"), quick("/b")}));
  start_on_bus();
  const auto boosted = fiefctl("boost /a weight=900 -- " + std::string(FIEF_FIEFCTL) + " tree");
  EXPECT_EQ(boosted.status, 0) << boosted.errors;
  EXPECT_THAT(boosted.output, HasSubstr(" 900 "));
  wait_until("the end of the boost", [this] { return view("/a").weight == 100; });
  EXPECT_EQ(fiefctl("boost /a weight=900 -- sh -c 'exit 7'").status, 7);
  EXPECT_EQ(fiefctl("boost /a weight=900 -- no-such-program").status, 127);
  EXPECT_EQ(fiefctl("boost /a min-cpus=100 -- true").status, 3);
  // Killed, it cannot take anything back itself.
  const auto killed = fiefctl("boost /a weight=800 & while ! " + std::string(FIEF_FIEFCTL) +
                              " tree | grep -q 800; do sleep 0.05; done; kill -KILL $!");
  EXPECT_EQ(killed.status, 0) << killed.errors;
  wait_until("the end of the boost", [this] { return view("/a").weight == 100; });
}

TEST_F(DaemonTest, WhatIsNotThereIsListedAndWhatCannotBeChangesNothing) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may change things without polkit";
  make("/a");
  set_policy(policy_of({quick("/a"), R"({"name": "db", "cgroup": "/db.service"})",
                        R"({"name": "pods", "cgroup_glob": "/kube/*"})"}));
  start_on_bus();
  for (const auto* command : {"status", "tree"})
    EXPECT_THAT(fiefctl(command).output,
                AllOf(HasSubstr("db.service"), HasSubstr("waits: no such cgroup"),
                      HasSubstr("pods"), HasSubstr("pattern: 0 now")));
  EXPECT_THAT(fiefctl("explain db").output,
              HasSubstr("db waits: there is no cgroup /db.service now"));
  EXPECT_THAT(fiefctl("explain pods").output, HasSubstr("stands for 0 cgroups now"));
  kernel_.set_schedulers({"fair"});
  set_policy(R"({"delegations": [{"cgroup": "/a", "scheduler": "Fair"}]})");
  for (const auto* command :
       {"reload --dry-run", "reload", "attach --runtime /a --scheduler Fair"}) {
    const auto refused = fiefctl(command);
    EXPECT_NE(refused.status, 0);
    EXPECT_THAT(refused.errors, HasSubstr("did you mean \"fair\"?"));
  }
  EXPECT_EQ(view("/a").state, SchedulerState::attached);
  EXPECT_EQ(kernel_.attach_calls(), 1U);
}

TEST_F(DaemonTest, MonitorFollowsWhatHappens) {
  set_policy(policy_of({quick("/late")}));
  start_on_bus();
  auto lines = std::async(std::launch::async, [] {
    return run("timeout 30 " + std::string(FIEF_FIEFCTL) + " monitor --json | grep -m1 detached");
  });
  wait_until(
      "both events",
      [this, &lines] {
        make("/late");
        wait_for("/late", SchedulerState::attached);
        remove("/late");
        wait_for("/late", SchedulerState::waiting);
        return lines.wait_for(std::chrono::milliseconds{100}) == std::future_status::ready;
      },
      kPatience);
  const auto outcome = lines.get();
  const auto event = json::Json::parse(outcome.output);
  EXPECT_EQ(event.at("cgroup"), "/late");
  EXPECT_EQ(event.at("details").at("reason"), "cgroup-removed");
}

TEST_F(DaemonTest, TopMapAndDumpSpeakOfTheSameMachine) {
  make("/a");
  make("/unconcerned");
  set_policy(policy_of({quick("/a")}));
  start_on_bus();
  const auto top = json::Json::parse(fiefctl("top --json --interval 0.1").output);
  EXPECT_EQ(top.at("cpus"), 8);
  EXPECT_EQ(top.at("schedulers").size(), 2U);
  EXPECT_THAT(fiefctl("top --once --interval 0.1").output, HasSubstr("BORROWED"));
  EXPECT_EQ(fiefctl("top --interval 0").status, 2);
  const auto map = json::Json::parse(fiefctl("map --json").output);
  const auto is_owned_by_a = [](const json::Json& cpu) {
    return cpu.at("users").size() == 1 && cpu.at("users").at(0).at("cgroup") == "/a";
  };
  const auto owned_by_a = std::ranges::count_if(map.at("cpus"), is_owned_by_a);
  EXPECT_EQ(owned_by_a, std::ptrdiff_t{owned("/a")});
  for (const auto& cpu : map.at("cpus")) {
    EXPECT_EQ(cpu.at("planned"), cpu.at("users")) << cpu;
    EXPECT_EQ(cpu.at("llc").get<int>(), cpu.at("cid").get<int>() / 4);
  }
  EXPECT_THAT(fiefctl("map").output, AllOf(HasSubstr("LLC 1"), HasSubstr("BELONG TO"),
                                           Not(HasSubstr("does not hold the plan"))));
  const auto plan = client_plan();
  EXPECT_EQ(plan.at("cgroups").size(), 2U);
  const auto dump = fiefctl("dump");
  EXPECT_EQ(dump.status, 0) << dump.errors;
  EXPECT_THAT(dump.output, HasSubstr("# policy"));
}

}  // namespace
}  // namespace fief::test
