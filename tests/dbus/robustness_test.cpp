// SPDX-License-Identifier: GPL-2.0-only
// Clients that misbehave, and a bus that goes away.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "dbus/client.hpp"
#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"
#include "support/resources.hpp"

namespace fief::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int kFlood = 10'000;
constexpr std::size_t kBoosts = 100;
// What the service may do before it comes to a call while others do their worst. Under sanitizers
// the hundred calls that a client may have under way take 10 ms of it, and those of one that never
// reads up to 100 ms.
constexpr milliseconds kMostBefore{500};
// What the service and its clients may hold in the end beyond the beginning.
constexpr std::size_t kSpare = std::size_t{2} * 1024 * 1024;

dbus::MessageRef get_status(const Client& client) {
  sd_bus_message* request = nullptr;
  sd_bus_message_new_method_call(client.connection(), &request, dbus::kService, dbus::kPath,
                                 dbus::kManagerInterface, "GetStatus");
  return dbus::adopt(request);
}

class RobustnessTest : public testing::Test {
 protected:
  PrivateBus bus_;
  RunningService service_;
};

/// What became of many calls.
struct Flood {
  int sent = 0;
  int answered = 0;
  int refused = 0;  ///< with LimitsExceeded
  [[nodiscard]] int under_way() const { return sent - answered - refused; }
};

int count_reply(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  auto& flood = *static_cast<Flood*>(userdata);
  if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_LIMITS_EXCEEDED) > 0)
    ++flood.refused;
  else if (sd_bus_message_is_method_error(reply, nullptr) == 0)
    ++flood.answered;
  return 0;
}

// The bus limits a client to 128 calls under way.
void send_some(const Client& client, Flood& flood) {
  for (; flood.under_way() < 100; ++flood.sent)
    ASSERT_GE(sd_bus_call_async(client.connection(), nullptr, get_status(client).get(), count_reply,
                                &flood, 0),
              0);
  if (sd_bus_process(client.connection(), nullptr) == 0)
    sd_bus_wait(client.connection(), 100'000);
}

/// Calls until it is refused.
void use_up(const Client& client, Flood& flood) {
  const auto end = Clock::now() + kPatience;
  while (flood.refused == 0 && Clock::now() < end)
    send_some(client, flood);
}

void take_answers(const Client& client, Flood& flood) {
  const auto end = Clock::now() + kPatience;
  while (flood.under_way() > 0 && Clock::now() < end)
    if (sd_bus_process(client.connection(), nullptr) == 0)
      sd_bus_wait(client.connection(), 100'000);
}

/// Somebody who asks now and then. Their wait is measured by what the service does meanwhile, so
/// that nothing else on this machine counts.
class Bystander {
 public:
  explicit Bystander(RunningService& service)
      : service_(service), thread_([this](const std::stop_token& stop) { ask_until(stop); }) {}
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;
  Bystander(Bystander&&) = delete;
  Bystander& operator=(Bystander&&) = delete;
  ~Bystander() = default;

  struct Experience {
    int answers = 0;
    std::string error;                    ///< the last one
    std::chrono::nanoseconds longest{0};  ///< work of the service from a call to its answer
  };
  Experience ask_no_more() {
    thread_.request_stop();
    thread_.join();
    return experience_;
  }

 private:
  void ask_until(const std::stop_token& stop) {
    Client client;
    while (!stop.stop_requested()) {
      const auto before = service_.cpu_time();
      const auto answer = client.call_manager("GetStatus");
      experience_.longest = std::max(experience_.longest, service_.cpu_time() - before);
      experience_.answers += answer ? 1 : 0;
      if (!answer)
        experience_.error = answer.error + ": " + answer.sentence;
      std::this_thread::sleep_for(milliseconds{20});
    }
  }

  RunningService& service_;
  Experience experience_;
  std::jthread thread_;  // last: it uses what stands above
};

void expect_unharmed(const Bystander::Experience& bystander) {
  EXPECT_GT(bystander.answers, 0);
  EXPECT_EQ(bystander.error, "");
  EXPECT_GT(bystander.longest.count(), 0);
  EXPECT_LT(bystander.longest, kMostBefore);
}

TEST_F(RobustnessTest, FloodIsRefusedAndHarmsNobody) {
  const Client flooder;
  const auto descriptors = open_descriptors();
  const auto held = held_bytes();
  Flood flood;
  Bystander bystander(service_);
  use_up(flooder, flood);
  EXPECT_GT(flood.answered, 0);
  EXPECT_GT(flood.refused, 0);
  for (const auto enough = flood.refused + kFlood; flood.refused < enough;)
    send_some(flooder, flood);
  expect_unharmed(bystander.ask_no_more());
  take_answers(flooder, flood);
  EXPECT_EQ(flood.under_way(), 0);
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_LE(held_bytes(), held + kSpare);
}

TEST_F(RobustnessTest, WhoWaitsIsAnsweredAgain) {
  Client flooder;
  Flood flood;
  use_up(flooder, flood);
  take_answers(flooder, flood);
  Answer answer;
  for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
    answer = flooder.call_manager("GetStatus");
    if (answer)
      break;
    ASSERT_EQ(answer.error, SD_BUS_ERROR_LIMITS_EXCEEDED);
    std::this_thread::sleep_for(milliseconds{20});
  }
  EXPECT_TRUE(answer);
}

TEST_F(RobustnessTest, MoreConnectionsBringNoMoreTime) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may become somebody else";
  const AsUser nobody(65534);  // one that the bus can look up
  const Client one;
  Client other;
  EXPECT_TRUE(other.call_manager("GetStatus"));
  Flood flood;
  use_up(one, flood);
  // Too few to use up anything by themselves.
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) {
    send_some(one, flood);
    refused = other.call_manager("GetStatus").error == SD_BUS_ERROR_LIMITS_EXCEEDED;
  }
  EXPECT_TRUE(refused);
}

// Its calls go out, its answers stay in the bus.
TEST_F(RobustnessTest, ClientThatNeverReadsHarmsNobody) {
  const Client deaf;
  const auto held = held_bytes();
  Bystander bystander(service_);
  for (int i = 0; i < kFlood; ++i) {
    const auto request = get_status(deaf);
    ASSERT_GE(sd_bus_send(deaf.connection(), request.get(), nullptr), 0);
    ASSERT_GE(sd_bus_flush(deaf.connection()), 0);
  }
  expect_unharmed(bystander.ask_no_more());
  EXPECT_LE(held_bytes(), held + kSpare);
}

// Each method in turn; what one round leaves allocated, all the others may not add to.
TEST_F(RobustnessTest, TenThousandCallsLeakNothing) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may change things without polkit";
  std::optional<Client> connected;
  const auto round = [&connected, this] {
    auto& client = *connected;
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
  // Root's connections count each for itself, and none uses up its time.
  const auto some_rounds = [&connected, &round] {
    connected.emplace();
    for (int i = 0; i < 50; ++i)
      round();
  };
  some_rounds();
  const auto descriptors = open_descriptors();
  const auto allocated = allocated_bytes();
  for (int i = 0; i < kFlood / 500; ++i)
    some_rounds();
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
  TimeBudget budget;
  Service service(io, backend, boosts, budget);
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
