// SPDX-License-Identifier: GPL-2.0-only
// Who may change things, and when a change is answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "dbus/client.hpp"
#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"

namespace fief::test {
namespace {

using testing::HasSubstr;

// A user without any privilege.
const std::string kAsNobody = "setpriv --reuid 65534 --regid 65534 --clear-groups ";

std::string reload_as_nobody() {
  return kAsNobody + FIEF_FIEFCTL + " reload";
}

// Stands where polkit would, because polkit itself refuses to run on any but the machine's bus.
class Polkit {
 public:
  explicit Polkit(bool allows) : allows_(allows), thread_([this] { serve(); }) {
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
    if (sd_bus_message_is_method_call(call, "org.freedesktop.PolicyKit1.Authority",
                                      "CheckAuthorization") <= 0)
      return 0;
    const char* action = nullptr;
    std::uint32_t flags = 0;
    sd_bus_message_skip(call, "(sa{sv})");
    sd_bus_message_read(call, "s", &action);
    sd_bus_message_skip(call, "a{ss}");
    sd_bus_message_read(call, "u", &flags);
    self.action_ = action;
    self.interactive_ = flags == 1;
    sd_bus_reply_method_return(call, "(bba{ss})", static_cast<int>(self.allows_), 0, 0);
    return 1;
  }

  bool allows_;
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
    backend.reload_outcome =
        fail(Errc::invalid, "/etc/fief/policy.json:3:5: unknown key \"wieght\"");
  });
  const auto answer = client_.call_manager("Reload");
  EXPECT_EQ(answer.error, dbus::kErrorInvalidPolicy);
  EXPECT_EQ(answer.sentence, "/etc/fief/policy.json:3:5: unknown key \"wieght\"");
}

TEST_F(ChangeTest, KindsOfFailureHaveNames) {
  const std::vector<std::pair<Errc, std::string>> kinds{
      {Errc::infeasible, dbus::kErrorInvalidPolicy},
      {Errc::kernel, dbus::kErrorKernelRefused},
      {Errc::stale, dbus::kErrorNotApplied}};
  for (const auto& [code, name] : kinds) {
    service_.on_loop([code = code](StateBackend& backend, Service&) {
      backend.reload_outcome = fail(code, "no");
    });
    EXPECT_EQ(client_.call_manager("Reload").error, name);
  }
}

TEST_F(ChangeTest, ReloadAnswersWhenTheOutcomeIsKnown) {
  std::vector<std::function<void(Status)>> held;
  service_.on_loop([&held](StateBackend& backend, Service&) { backend.held_reloads = &held; });
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
  const auto outcome = run(kAsNobody + FIEF_FIEFCTL + " tree --json");
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

}  // namespace
}  // namespace fief::test
