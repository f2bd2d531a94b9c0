// SPDX-License-Identifier: GPL-2.0-only
// Who may change things, and when a change is answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "dbus/client.hpp"
#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"

namespace fief::test {
namespace {

using testing::HasSubstr;

// A user without any privilege.
constexpr char kAsNobody[] = "setpriv --reuid 65534 --regid 65534 --clear-groups " FIEF_FIEFCTL;

std::string reload_as_nobody() {
  return std::string(kAsNobody) + " reload";
}

// Stands where polkit would, because polkit itself refuses to run on any but the machine's bus.
class Polkit {
 public:
  explicit Polkit(bool allows, bool answers = true)
      : allows_(allows), answers_(answers), thread_([this] { serve(); }) {
    wait_for_name("org.freedesktop.PolicyKit1");
  }
  Polkit(const Polkit&) = delete;
  Polkit& operator=(const Polkit&) = delete;
  Polkit(Polkit&&) = delete;
  Polkit& operator=(Polkit&&) = delete;
  ~Polkit() {
    ended_ = true;
    thread_.join();
  }
  [[nodiscard]] std::string action() const { return action_; }
  [[nodiscard]] bool interactive() const { return interactive_; }
  [[nodiscard]] int asked() const { return asked_; }
  [[nodiscard]] int withdrawn() const { return withdrawn_; }
  void answer(bool answers) { answers_ = answers; }
  /// Somebody has to authenticate first.
  void challenge() { challenges_ = true; }

 private:
  void serve() {
    sd_bus* bus = nullptr;
    sd_bus_open_system(&bus);
    const dbus::BusHandle owned(bus);
    sd_bus_add_filter(bus, nullptr, on_message, this);
    sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0);
    while (!ended_)
      if (sd_bus_process(bus, nullptr) <= 0)
        sd_bus_wait(bus, 20'000);
  }

  static int on_message(sd_bus_message* call, void* userdata, sd_bus_error* /*error*/) {
    auto& self = *static_cast<Polkit*>(userdata);
    constexpr char kInterface[] = "org.freedesktop.PolicyKit1.Authority";
    if (sd_bus_message_is_method_call(call, kInterface, "CancelCheckAuthorization") > 0) {
      ++self.withdrawn_;
      return 1;
    }
    if (sd_bus_message_is_method_call(call, kInterface, "CheckAuthorization") <= 0)
      return 0;
    const char* action = nullptr;
    std::uint32_t flags = 0;
    sd_bus_message_skip(call, "(sa{sv})");
    sd_bus_message_read(call, "s", &action);
    sd_bus_message_skip(call, "a{ss}");
    sd_bus_message_read(call, "u", &flags);
    self.action_ = action;
    self.interactive_ = flags == 1;
    ++self.asked_;
    if (!self.answers_)
      return 1;
    sd_bus_reply_method_return(call, "(bba{ss})", static_cast<int>(self.allows_),
                               static_cast<int>(self.challenges_), 0);
    return 1;
  }

  bool allows_;
  std::atomic<bool> answers_;
  std::atomic<bool> challenges_ = false;
  std::atomic<int> asked_ = 0;
  std::atomic<int> withdrawn_ = 0;
  std::string action_;
  bool interactive_ = false;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

class ChangeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0)
      GTEST_SKIP() << "only root can be root and somebody else";
  }
  int reloads() {
    int calls = 0;
    service_.on_loop([&calls](StateBackend& backend, Service&) { calls = backend.reload_calls; });
    return calls;
  }

  PrivateBus bus_;
  RunningService service_;
  Client client_;
};

TEST_F(ChangeTest, RootMayReload) {
  const auto answer = client_.call_manager("Reload");
  EXPECT_TRUE(answer) << answer.sentence;
  EXPECT_EQ(reloads(), 1);
}

TEST_F(ChangeTest, RefusedPolicyIsANamedErrorWithTheReason) {
  service_.on_loop([](StateBackend& backend, Service&) {
    backend.outcome = fail(Errc::invalid, "/etc/fief/policy.json:3:5: unknown key \"wieght\"");
  });
  const auto answer = client_.call_manager("Reload");
  EXPECT_EQ(answer.error, dbus::kErrorInvalidPolicy);
  EXPECT_EQ(answer.sentence, "/etc/fief/policy.json:3:5: unknown key \"wieght\"");
}

TEST_F(ChangeTest, KindsOfFailureHaveNames) {
  const std::vector<std::pair<Errc, std::string>> kinds{
      {Errc::infeasible, dbus::kErrorInfeasible},
      {Errc::unsupported, SD_BUS_ERROR_NOT_SUPPORTED},
      {Errc::kernel, dbus::kErrorKernelRefused},
      {Errc::stale, dbus::kErrorNotApplied},
      {Errc::io, SD_BUS_ERROR_FAILED}};
  for (const auto& [code, name] : kinds) {
    service_.on_loop(
        [code = code](StateBackend& backend, Service&) { backend.outcome = fail(code, "no"); });
    EXPECT_EQ(client_.call_manager("Reload").error, name);
  }
}

TEST_F(ChangeTest, ReloadAnswersWhenTheOutcomeIsKnown) {
  std::vector<std::function<void(Status)>> held;
  service_.on_loop([&held](StateBackend& backend, Service&) { backend.held = &held; });
  std::atomic<bool> answered = false;
  std::thread caller([&answered] {
    Client().call_manager("Reload");
    answered = true;
  });
  while (reloads() == 0)
    std::this_thread::yield();
  client_.call_manager("GetStatus");
  EXPECT_FALSE(answered);
  service_.on_loop([&held](StateBackend&, Service&) {
    held.at(0)({});
    held.clear();
  });
  caller.join();
  EXPECT_TRUE(answered);
}

TEST_F(ChangeTest, OthersMayNotWithoutPolkit) {
  const auto outcome = run(reload_as_nobody());
  EXPECT_EQ(outcome.status, 1) << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr("only root may do this"));
  EXPECT_EQ(reloads(), 0);
}

TEST_F(ChangeTest, OthersMayReadAll) {
  const auto outcome = run(std::string(kAsNobody) + " tree --json");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("/demo.slice/a.service"));
}

TEST_F(ChangeTest, PolkitMayAllow) {
  const Polkit polkit(true);
  const auto outcome = run(reload_as_nobody());
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_EQ(polkit.action(), "org.fief.Fief1.reconfigure");
  EXPECT_TRUE(polkit.interactive());
  EXPECT_EQ(reloads(), 1);
}

TEST_F(ChangeTest, PolkitMayRefuse) {
  const Polkit polkit(false);
  const auto outcome = run(reload_as_nobody());
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("polkit does not permit this"));
  EXPECT_EQ(reloads(), 0);
}

// They are carried out when it is known who asks, long after the call came in.
TEST_F(ChangeTest, ChangesCostTheTimeOfWhoAsksForThem) {
  service_.on_loop([](StateBackend& backend, Service&) {
    backend.tenant = 65534;
    backend.cost = std::chrono::milliseconds{400};
  });
  int refused = 0;
  for (int i = 0; i < 6; ++i) {
    const auto outcome = run(std::string(kAsNobody) + " attach /x --runtime");
    refused += outcome.errors.find("used up their part") == std::string::npos ? 0 : 1;
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(run(FIEF_FIEFCTL " attach /x --runtime").status, 0);
}

// Nobody answers these; the clients are killed after a while.
TEST_F(ChangeTest, QuestionsThatNobodyAnswersTakeNobodysPlace) {
  Polkit polkit(true, false);
  const auto ask = [](int uid, int times) {
    return fmt::format(
        "for i in $(seq {}); do setpriv --reuid {} --regid {} --clear-groups timeout "
        "2 " FIEF_FIEFCTL " reload & done; wait",
        times, uid, uid);
  };
  std::jthread greedy([&ask] { run(ask(65534, 12)); });
  const auto wait_for = [](const auto& so) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{8};
    while (!so() && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    EXPECT_TRUE(so());
  };
  wait_for([&polkit] { return polkit.asked() == 4; });
  polkit.answer(true);
  const auto other = run("setpriv --reuid 1 --regid 1 --clear-groups " FIEF_FIEFCTL " reload");
  EXPECT_EQ(other.status, 0) << other.errors;
  EXPECT_EQ(reloads(), 1);
  // Those of whoever has left are withdrawn, and their places are free.
  greedy.join();
  wait_for([&polkit] { return polkit.withdrawn() == 4; });
  EXPECT_EQ(run(reload_as_nobody()).status, 0);
}

TEST_F(ChangeTest, TenantsNeedNoPolkitForWhatIsTheirs) {
  service_.on_loop([](StateBackend& backend, Service&) { backend.tenant = 65534; });
  const auto mine = run(std::string(kAsNobody) + " attach /x --runtime");
  EXPECT_EQ(mine.status, 0) << mine.errors;
  service_.on_loop([](StateBackend& backend, Service&) {
    EXPECT_EQ(backend.requests.back(), "attach /x [] until-restart by tenant 65534");
  });
  const auto refused = run(std::string(kAsNobody) + " set --runtime db weight=300");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("db is not for uid 65534; else only root may, because"));
  for (const auto* others : {" reload", " kill /x", " replan"})
    EXPECT_EQ(run(kAsNobody + std::string(others)).status, 1) << others;
}

// What they can act upon comes first.
TEST_F(ChangeTest, RefusalsToTenantsBeginWithTheReason) {
  const auto refused = [] {
    return run(std::string(kAsNobody) + " set --runtime db weight=300").errors;
  };
  Polkit polkit(false);
  EXPECT_THAT(refused(), HasSubstr("db is not for uid 65534; nor does polkit permit it"));
  polkit.challenge();
  EXPECT_THAT(refused(), HasSubstr("db is not for uid 65534; or authenticate as an administrator"));
  EXPECT_THAT(run(reload_as_nobody()).errors,
              HasSubstr("this needs an administrator's authentication"));
}

TEST_F(ChangeTest, WhatPolkitAllowsATenantIsTheAdministrators) {
  const Polkit polkit(true);
  const auto set = run(std::string(kAsNobody) + " set --runtime db weight=300");
  EXPECT_EQ(set.status, 0) << set.errors;
  service_.on_loop([](StateBackend& backend, Service&) {
    backend.tenant = 65534;
    EXPECT_EQ(backend.requests.back(), "change db [weight=300] until-restart by uid 65534");
  });
}

// Sends a method with arguments by busctl, as people do.
Outcome busctl(const std::string& arguments) {
  return run("busctl --system -- call org.fief.Fief1 /org/fief/Fief1 org.fief.Fief1.Manager " +
             arguments);
}

TEST_F(ChangeTest, EveryMethodReachesTheBackend) {
  const std::vector<std::pair<std::string, std::string>> calls{
      {"SetProperties 'sa{sv}t' db 1 min_cpus d 1.5 1",
       "change db [min_cpus=1.5] until-restart by uid 0"},
      {"'SetProperties' 'sa{sv}t' db 3 weight i 5 exclusive b true placement s spread 0",
       "change db [exclusive=true, placement=spread, weight=5] persistent by uid 0"},
      {"Attach 'ssa{sv}t' db batch 1 slice_us u 500 0",
       "attach db [options={slice_us=500}, scheduler=batch] persistent by uid 0"},
      {"Attach 'ssa{sv}t' /x '' 0 1", "attach /x [] until-restart by uid 0"},
      {"Detach st db 0", "detach db [] persistent by uid 0"},
      {"Revert s db", "revert db"},
      {"Kill ss db enough", "kill db: enough"},
      {"Kill ss db ''", "kill db: uid 0 asked for it"},
      {"Leave", "leave"},
      {"Replan t 0", "replan"},
      {"Replan t 1", "replan from scratch"}};
  for (const auto& [call, expected] : calls) {
    const auto outcome = busctl(call);
    EXPECT_EQ(outcome.status, 0) << call << ": " << outcome.errors;
    service_.on_loop([&expected = expected](StateBackend& backend, Service&) {
      EXPECT_EQ(backend.requests.empty() ? "" : backend.requests.back(), expected);
    });
  }
}

TEST_F(ChangeTest, WhatNoMethodTakesIsRefusedUnasked) {
  for (const auto* call :
       {"SetProperties 'sa{sv}t' db 1 weight u 300 2", "SetProperties 'sa{sv}t' db 0 0",
        "SetProperties 'sa{sv}t' db 1 scheduler s x 0",
        "SetProperties 'sa{sv}t' db 1 weight as 0 0",
        "SetProperties 'sa{sv}t' db 1 weight t 18446744073709551615 0", "Replan t 4"}) {
    const auto outcome = busctl(call);
    EXPECT_NE(outcome.status, 0) << call;
  }
  service_.on_loop([](StateBackend& backend, Service&) { EXPECT_TRUE(backend.requests.empty()); });
}

TEST_F(ChangeTest, LoadingASchedulerIsAnActionOfItsOwn) {
  const Polkit polkit(true);
  const auto attached = run(std::string(kAsNobody) + " attach /x --scheduler batch --runtime");
  EXPECT_EQ(attached.status, 0) << attached.errors;
  EXPECT_EQ(polkit.action(), "org.fief.Fief1.load-scheduler");
  const auto set = run(std::string(kAsNobody) + " set db weight=300");
  EXPECT_EQ(set.status, 0) << set.errors;
  EXPECT_EQ(polkit.action(), "org.fief.Fief1.reconfigure");
  service_.on_loop([](StateBackend& backend, Service&) {
    EXPECT_EQ(backend.requests.back(), "change db [weight=300] persistent by uid 65534");
  });
}

TEST_F(ChangeTest, AClientHasSoManyChangesUnderWayAndNoMore) {
  std::vector<std::function<void(Status)>> held;
  service_.on_loop([&held](StateBackend& backend, Service&) { backend.held = &held; });
  int refused = 0;
  const auto count = [](sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
    *static_cast<int*>(userdata) +=
        sd_bus_message_is_method_error(reply, SD_BUS_ERROR_LIMITS_EXCEEDED) > 0 ? 1 : 0;
    return 0;
  };
  for (int i = 0; i < 20; ++i)
    ASSERT_GE(sd_bus_call_method_async(client_.connection(), nullptr, dbus::kService, dbus::kPath,
                                       dbus::kManagerInterface, "Reload", count, &refused, ""),
              0);
  while (refused < 4)
    if (sd_bus_process(client_.connection(), nullptr) == 0)
      sd_bus_wait(client_.connection(), 100'000);
  // Others are not concerned, and what is answered makes room.
  std::thread other([] { EXPECT_TRUE(Client().call_manager("GetStatus")); });
  other.join();
  for (std::size_t waiting = 0; waiting < 16;)
    service_.on_loop([&held, &waiting](StateBackend&, Service&) { waiting = held.size(); });
  service_.on_loop([&held](StateBackend& backend, Service&) {
    for (const auto& done : held)
      done({});
    held.clear();
    backend.held = nullptr;
  });
  EXPECT_TRUE(client_.call_manager("Reload"));
}

TEST_F(ChangeTest, FiefctlTellsTheKindsOfFailureApart) {
  const std::vector<std::pair<Errc, int>> kinds{
      {Errc::invalid, 2}, {Errc::infeasible, 3},  {Errc::not_found, 1}, {Errc::kernel, 4},
      {Errc::stale, 4},   {Errc::unsupported, 1}, {Errc::busy, 1}};
  for (const auto& [code, status] : kinds) {
    service_.on_loop([code = code](StateBackend& backend, Service&) {
      backend.outcome = fail(code, "for a reason");
    });
    const auto outcome = run(std::string(FIEF_FIEFCTL) + " set db weight=300");
    EXPECT_EQ(outcome.status, status);
    EXPECT_EQ(outcome.errors, "fiefctl: for a reason\n");
  }
  EXPECT_EQ(run(std::string(FIEF_FIEFCTL) + " set db weight").status, 2);
  EXPECT_EQ(run(std::string(FIEF_FIEFCTL) + " set db a=1 a=2").status, 2);
}

}  // namespace
}  // namespace fief::test
