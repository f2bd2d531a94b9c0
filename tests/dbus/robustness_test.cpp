// SPDX-License-Identifier: GPL-2.0-only
// Clients that misbehave, and a bus that goes away.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "dbus/client.hpp"
#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"
#include "support/resources.hpp"

namespace fief::test {
namespace {

constexpr int kFlood = 10'000;
constexpr std::size_t kBoosts = 100;

dbus::MessageRef get_status(const Client& client) {
  sd_bus_message* request = nullptr;
  sd_bus_message_new_method_call(client.connection(), &request, dbus::kService, dbus::kPath,
                                 dbus::kManagerInterface, "GetStatus");
  return dbus::adopt(request);
}

class RobustnessTest : public testing::Test {
 protected:
  int status_calls() {
    int calls = 0;
    service_.on_loop([&calls](StateBackend& backend, Service&) { calls = backend.status_calls; });
    return calls;
  }

  PrivateBus bus_;
  RunningService service_;
};

int count_reply(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  if (sd_bus_message_is_method_error(reply, nullptr) == 0)
    ++*static_cast<int*>(userdata);
  return 0;
}

TEST_F(RobustnessTest, FloodIsAnsweredAndHarmsNobody) {
  const Client flooder;
  Client other;
  const auto descriptors = open_descriptors();
  const auto calls_before = status_calls();
  int answered = 0;
  int sent = 0;
  // The bus limits a client to 128 calls under way; it keeps that many there.
  while (answered < kFlood) {
    while (sent < kFlood && sent - answered < 100) {
      ASSERT_GE(sd_bus_call_async(flooder.connection(), nullptr, get_status(flooder).get(),
                                  count_reply, &answered, 0),
                0);
      ++sent;
    }
    if (sent % 1000 == 0) {
      EXPECT_TRUE(other.call_manager("GetStatus"));
    }
    if (sd_bus_process(flooder.connection(), nullptr) == 0)
      sd_bus_wait(flooder.connection(), 100'000);
  }
  EXPECT_EQ(answered, kFlood);
  EXPECT_EQ(open_descriptors(), descriptors);
  // Reads in one turn of the bus share one look at the state.
  EXPECT_LE(status_calls() - calls_before, kFlood + 200);
}

TEST_F(RobustnessTest, ClientThatNeverReadsHarmsNobody) {
  const Client deaf;
  for (int i = 0; i < kFlood; ++i) {
    const auto request = get_status(deaf);
    sd_bus_send(deaf.connection(), request.get(), nullptr);
  }
  Client other;
  for (int i = 0; i < 100; ++i) {
    const auto answer = other.call_manager("GetStatus");
    ASSERT_TRUE(answer) << answer.error << ": " << answer.sentence;
  }
}

// Each method in turn; what one round leaves allocated, all the others may not add to.
TEST_F(RobustnessTest, TenThousandCallsLeakNothing) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may change things without polkit";
  Client client;
  const auto round = [&client, this] {
    EXPECT_TRUE(client.call_manager("GetStatus"));
    EXPECT_TRUE(client.call_manager("GetPolicy"));
    EXPECT_TRUE(client.call_manager("ListSchedulers"));
    EXPECT_TRUE(client.call_manager("Explain", {"a"}));
    EXPECT_FALSE(client.call_manager("Explain", {"nothing"}));
    EXPECT_TRUE(client.call_manager("DumpByFileDescriptor"));
    EXPECT_TRUE(client.call_manager("Reload"));
    EXPECT_TRUE(client.call_manager("Revert", {"a"}));
    EXPECT_FALSE(client.call_manager("Frobnicate"));
    EXPECT_TRUE(client.property(dbus::kPath, dbus::kManagerInterface, "State"));
    service_.on_loop([](StateBackend& backend, Service&) { backend.requests.clear(); });
  };
  for (int warm_up = 0; warm_up < 50; ++warm_up)
    round();
  const auto descriptors = open_descriptors();
  const auto allocated = allocated_bytes();
  for (int i = 0; i < kFlood / 10; ++i)
    round();
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_LE(allocated_bytes(), allocated + std::size_t{64} * 1024);
}

TEST_F(RobustnessTest, BoostsEndWithTheClientThatHoldsThem) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may change things without polkit";
  const auto descriptors = open_descriptors();
  {
    const Client client;
    std::vector<dbus::MessageRef> held;
    for (std::size_t i = 0; i < kBoosts; ++i) {
      sd_bus_message* reply = nullptr;
      ASSERT_GE(sd_bus_call_method(client.connection(), dbus::kService, dbus::kPath,
                                   dbus::kManagerInterface, "Boost", nullptr, &reply, "sa{sv}s",
                                   "a", 1, "weight", "u", 900, "test"),
                0);
      held.push_back(dbus::adopt(reply));
    }
    service_.on_loop(
        [](StateBackend& backend, Service&) { EXPECT_EQ(backend.requests.size(), kBoosts); });
  }
  std::size_t requests = 0;
  for (const auto end = std::chrono::steady_clock::now() + kPatience;
       requests < 2 * kBoosts && std::chrono::steady_clock::now() < end;)
    service_.on_loop(
        [&requests](StateBackend& backend, Service&) { requests = backend.requests.size(); });
  EXPECT_EQ(requests, 2 * kBoosts);
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST_F(RobustnessTest, ReturnsWithTheBus) {
  bus_.restart();
  wait_for_name(dbus::kService);
  Client client;
  EXPECT_TRUE(client.call_manager("GetStatus"));
  service_.on_loop([](StateBackend& backend, Service& service) {
    backend.state.plan_number = 1234;
    service.status_changed();
  });
  EXPECT_EQ(client.next_signal("PropertiesChanged").path, dbus::kPath);
}

TEST_F(RobustnessTest, ChangesWithoutABusAreShownLater) {
  bus_.restart();
  service_.on_loop([](StateBackend& backend, Service& service) {
    const auto gone = backend.state.schedulers.back();
    backend.state.schedulers.pop_back();
    service.scheduler_detached(gone, "exited");
  });
  wait_for_name(dbus::kService);
  const auto answer = Client().call_manager("GetSchedulerByCgroup", {"/demo.slice/b.service"});
  EXPECT_EQ(answer.error, dbus::kErrorNoSuchScheduler);
}

// Nothing polls: with nobody asking, the loop runs no handler at all.
TEST(IdleTest, ServiceAtRestNeverWakes) {
  const PrivateBus bus;
  boost::asio::io_context io;
  StateBackend backend;
  Boosts boosts(io, backend);
  Service service(io, backend, boosts);
  service.start();
  std::atomic<bool> on_bus = false;
  std::thread watcher([&on_bus] {
    wait_for_name(dbus::kService);
    on_bus = true;
  });
  while (!on_bus)
    io.run_for(std::chrono::milliseconds{10});
  watcher.join();
  // The name's own signals may still be on their way.
  std::size_t handlers = 1;
  for (int attempt = 0; attempt < 20 && handlers > 0; ++attempt)
    handlers = io.run_for(std::chrono::milliseconds{300});
  EXPECT_EQ(handlers, 0U);
}

// The callback of a reload outlives the connection, and even the service.
TEST_F(RobustnessTest, LateOutcomesFindNobodyAndHarmNobody) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may reload without polkit";
  std::vector<std::function<void(Status)>> held;
  {
    service_.on_loop([&held](StateBackend& backend, Service&) { backend.held = &held; });
    const Client client;
    sd_bus_message* request = nullptr;
    sd_bus_message_new_method_call(client.connection(), &request, dbus::kService, dbus::kPath,
                                   dbus::kManagerInterface, "Reload");
    const auto owned = dbus::adopt(request);
    sd_bus_send(client.connection(), request, nullptr);
    sd_bus_flush(client.connection());
    std::size_t arrived = 0;
    for (const auto end = std::chrono::steady_clock::now() + kPatience;
         arrived == 0 && std::chrono::steady_clock::now() < end;)
      service_.on_loop([&held, &arrived](StateBackend&, Service&) { arrived = held.size(); });
    ASSERT_EQ(arrived, 1U);
  }
  bus_.restart();
  wait_for_name(dbus::kService);
  service_.on_loop([&held](StateBackend&, Service&) {
    held.at(0)(fail(Errc::stale, "too late"));
    held.clear();
  });
  EXPECT_TRUE(Client().call_manager("GetStatus"));
}

}  // namespace
}  // namespace fief::test
