// SPDX-License-Identifier: GPL-2.0-only
// The service over the real controller and the model kernel: what clients see is what holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <optional>

#include "api/service.hpp"
#include "api/view_facts.hpp"
#include "api/view_json.hpp"
#include "control_world.hpp"
#include "core/message_ids.hpp"
#include "dbus/client.hpp"
#include "dbus/private_bus.hpp"

namespace fief::test {
namespace {

using testing::HasSubstr;

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
    service_.emplace(io_, *controller_);
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

  PrivateBus bus_;
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
  EXPECT_THAT(fiefctl("status").output, HasSubstr("the last reload was refused"));
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
}

}  // namespace
}  // namespace fief::test
