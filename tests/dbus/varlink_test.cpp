// SPDX-License-Identifier: GPL-2.0-only
// The Varlink service as its clients see it: systemd's varlinkctl, and plain bytes on the socket.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include "core/fd.hpp"
#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"
#include "status/json_values.hpp"
#include "status/view_json.hpp"
#include "varlink/server.hpp"

namespace fief::test {
namespace {

using json::Json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr uid_t kNobody = 65534;
constexpr timeval kPatience{.tv_sec = 60, .tv_usec = 0};

// A client that says exactly what the test wants said.
class Peer {
 public:
  explicit Peer(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the socket API is called.
    connected_ =
        ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  [[nodiscard]] bool connected() const { return connected_; }

  void send(const std::string& text) {
    ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  void send_call(const std::string& method, const Json& parameters = Json::object(),
                 const std::string& flag = {}) {
    Json call{{"method", method}, {"parameters", parameters}};
    if (!flag.empty())
      call[flag] = true;
    send(call.dump() + '\0');
  }
  // The next reply; null once the service has hung up.
  Json receive() {
    std::string text;
    char byte = 0;
    while (::recv(socket_.get(), &byte, 1, 0) == 1) {
      if (byte == '\0')
        return Json::parse(text);
      text += byte;
    }
    return nullptr;
  }
  Json call(const std::string& method, const Json& parameters = Json::object()) {
    send_call("io.fief.Manager." + method, parameters);
    return receive();
  }
  void hang_up() { socket_.reset(); }

 private:
  UniqueFd socket_;
  bool connected_ = false;
};

class VarlinkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0)
      GTEST_SKIP() << "only root can be root and somebody else";
    std::filesystem::permissions(directory_.path(), std::filesystem::perms{0755});
    on_loop([this] {
      const auto started = server_.start();
      EXPECT_TRUE(started) << started.error().message;
    });
  }
  void TearDown() override {
    on_loop([this] { server_.stop(); });
    work_.reset();
    thread_.join();
  }

  void on_loop(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(io_, [&work, &done] {
      work();
      done.set_value();
    });
    done.get_future().get();
  }
  std::vector<std::string> requests() {
    std::vector<std::string> copy;
    on_loop([this, &copy] { copy = backend_.requests; });
    return copy;
  }
  void wait_for_request(const std::string& last) {
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{kPatience.tv_sec};
         std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(std::chrono::milliseconds{2}))
      if (const auto all = requests(); !all.empty() && all.back() == last)
        return;
    ADD_FAILURE() << last << " was not asked for";
  }
  // Who connects is known by the effective user of that moment.
  Peer connect_as(uid_t uid) {
    EXPECT_EQ(seteuid(uid), 0);
    Peer peer(path_);
    EXPECT_EQ(seteuid(0), 0);
    EXPECT_TRUE(peer.connected());
    return peer;
  }
  Outcome varlinkctl(const std::string& arguments, const std::string& as = {}) {
    const auto space = arguments.find(' ');
    return run(fmt::format("{} varlinkctl {} {}{}", as, arguments.substr(0, space), path_,
                           space == std::string::npos ? "" : arguments.substr(space)));
  }

  TempDir directory_;
  std::string path_ = (directory_.path() / "io.fief.Manager").string();
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  StateBackend backend_;
  Boosts boosts_{io_, backend_};
  TimeBudget budget_;
  varlink::Server server_{io_, backend_, boosts_, budget_, path_};
  std::thread thread_{[this] { io_.run(); }};
};

TEST_F(VarlinkTest, VarlinkctlKnowsTheService) {
  const auto info = varlinkctl("info");
  EXPECT_EQ(info.status, 0) << info.errors;
  EXPECT_THAT(info.output, HasSubstr("io.fief.Manager"));
  EXPECT_THAT(info.output, HasSubstr(FIEF_VERSION));
  for (const auto* interface : {"io.fief.Manager", "org.varlink.service"}) {
    const auto shown = varlinkctl(std::string("introspect ") + interface);
    EXPECT_EQ(shown.status, 0) << shown.errors;
    EXPECT_THAT(shown.output, HasSubstr(std::string("interface ") + interface));
  }
}

TEST_F(VarlinkTest, TheDescriptionIsTheFile) {
  std::ifstream file(std::string(FIEF_VARLINK_DIR) + "/io.fief.Manager.varlink");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Peer peer(path_);
  peer.send_call("org.varlink.service.GetInterfaceDescription", {{"interface", "io.fief.Manager"}});
  EXPECT_EQ(peer.receive()["parameters"]["description"], text);
}

TEST_F(VarlinkTest, StatusIsWhatFiefctlPrints) {
  const auto outcome = varlinkctl("call --json=short io.fief.Manager.GetStatus '{}'");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  const auto reply = Peer(path_).call("GetStatus");
  EXPECT_EQ(json::to_text(reply["parameters"]["json"]), to_json(demo_status()));
}

TEST_F(VarlinkTest, ReadsAnswer) {
  Peer peer(path_);
  EXPECT_TRUE(peer.call("GetPlan")["parameters"]["json"].is_object());
  EXPECT_TRUE(peer.call("GetPolicy")["parameters"]["json"].is_object());
  EXPECT_EQ(peer.call("Explain", {{"subject", "a"}})["parameters"]["text"], "because\n");
  EXPECT_EQ(peer.call("Explain", {{"subject", "x"}})["error"], "io.fief.Manager.NoSuchScheduler");
  EXPECT_EQ(peer.call("PreviewReload")["parameters"]["text"], "nothing changes\n");
}

TEST_F(VarlinkTest, EveryMethodReachesTheBackend) {
  struct Case {
    std::string method;
    Json parameters;
    std::string expected;
  };
  const std::vector<Case> cases{
      {"Reload", {}, "reload"},
      {"SetProperties",
       {{"delegation", "db"},
        {"properties", {{"weight", 5}, {"exclusive", true}, {"placement", "spread"}}}},
       "change db [exclusive=true, placement=spread, weight=5] persistent by uid 0"},
      {"SetProperties",
       {{"delegation", "db"}, {"properties", {{"min_cpus", 1.5}}}, {"flags", 1}},
       "change db [min_cpus=1.5] until-restart by uid 0"},
      {"Attach",
       {{"delegation", "db"}, {"scheduler", "batch"}, {"options", {{"slice_us", 500}}}},
       "attach db [options={slice_us=500}, scheduler=batch] persistent by uid 0"},
      {"Attach", {{"delegation", "/x"}, {"flags", 1}}, "attach /x [] until-restart by uid 0"},
      {"Detach", {{"delegation", "db"}}, "detach db [] persistent by uid 0"},
      {"Revert", {{"delegation", "db"}}, "revert db"},
      {"Kill", {{"delegation", "db"}, {"reason", "enough"}}, "kill db: enough"},
      {"Kill", {{"delegation", "db"}}, "kill db: uid 0 asked for it"},
      {"Leave", {}, "leave"},
      {"Replan", {}, "replan"},
      {"Replan", {{"flags", 1}}, "replan from scratch"}};
  Peer peer(path_);
  for (const auto& [method, parameters, expected] : cases) {
    const auto reply = peer.call(method, parameters);
    EXPECT_FALSE(reply.contains("error")) << method << ": " << reply.dump();
    EXPECT_EQ(requests().back(), expected);
  }
}

TEST_F(VarlinkTest, WhatNoMethodTakesIsRefused) {
  constexpr char kInvalid[] = "org.varlink.service.InvalidParameter";
  Peer peer(path_);
  for (const auto& [parameters, blamed] : std::vector<std::pair<Json, std::string>>{
           {{{"flags", 1}}, "delegation"},
           {{{"delegation", 1}}, "delegation"},
           {{{"delegation", "db"}, {"flags", "1"}}, "flags"},
           {{{"delegation", "db"}, {"flags", 18446744073709551615U}}, "flags"},
           {{{"delegation", "db"}, {"flags", 2}}, "flags"},
           {{{"delegation", "db"}, {"flags", 1}, {"colour", 2}}, "colour"}}) {
    const auto reply = peer.call("Detach", parameters);
    EXPECT_EQ(reply["error"], kInvalid);
    EXPECT_EQ(reply["parameters"]["parameter"], blamed);
  }
  const auto properties = [&peer](const Json& values) {
    return peer.call("SetProperties", {{"delegation", "db"}, {"properties", values}})["error"];
  };
  EXPECT_EQ(properties({{"weight", Json::array()}}), kInvalid);
  EXPECT_EQ(properties({{"scheduler", "x"}}), "io.fief.Manager.InvalidArgs");
  EXPECT_EQ(properties(Json::object()), "io.fief.Manager.InvalidArgs");
  EXPECT_EQ(peer.call("Frobnicate")["error"], "org.varlink.service.MethodNotFound");
  peer.send_call("io.fief.Other.Do");
  EXPECT_EQ(peer.receive()["error"], "org.varlink.service.InterfaceNotFound");
  EXPECT_THAT(requests(), ElementsAre());
}

TEST_F(VarlinkTest, KindsOfFailureHaveNames) {
  Peer peer(path_);
  for (const auto& [code, name] :
       std::vector<std::pair<Errc, std::string>>{{Errc::invalid, "InvalidPolicy"},
                                                 {Errc::infeasible, "Infeasible"},
                                                 {Errc::not_found, "NoSuchScheduler"},
                                                 {Errc::unsupported, "NotSupported"},
                                                 {Errc::kernel, "KernelRefused"},
                                                 {Errc::stale, "NotApplied"},
                                                 {Errc::io, "Failed"}}) {
    on_loop([this, code = code] { backend_.outcome = fail(code, "for a reason"); });
    const auto reply = peer.call("Reload");
    EXPECT_EQ(reply["error"], "io.fief.Manager." + name);
    EXPECT_EQ(reply["parameters"]["message"], "for a reason");
  }
  const auto set =
      peer.call("SetProperties", {{"delegation", "db"}, {"properties", {{"weight", 1}}}});
  EXPECT_EQ(set["error"], "io.fief.Manager.Failed");
}

TEST_F(VarlinkTest, OthersReadAndChangeNothing) {
  auto peer = connect_as(kNobody);
  EXPECT_FALSE(peer.call("GetStatus").contains("error"));
  EXPECT_EQ(peer.call("Reload")["error"], "io.fief.Manager.NotAuthorized");
  EXPECT_EQ(peer.call("Leave")["error"], "io.fief.Manager.NotAuthorized");
  peer.send_call("io.fief.Manager.Boost", {{"delegation", "a"}, {"properties", {{"weight", 9}}}},
                 "more");
  EXPECT_EQ(peer.receive()["error"], "io.fief.Manager.NotAuthorized");
  const auto outcome = varlinkctl("call io.fief.Manager.Reload '{}'",
                                  "setpriv --reuid 65534 --regid 65534 --clear-groups");
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(requests(), ElementsAre());
}

TEST_F(VarlinkTest, TenantsChangeWhatIsTheirs) {
  on_loop([this] { backend_.tenant = kNobody; });
  auto peer = connect_as(kNobody);
  EXPECT_FALSE(peer.call("Attach", {{"delegation", "/x"}, {"flags", 1}}).contains("error"));
  const auto refused =
      peer.call("SetProperties", {{"delegation", "db"}, {"properties", {{"weight", 1}}}});
  EXPECT_EQ(refused["error"], "io.fief.Manager.NotAuthorized");
  EXPECT_EQ(refused["parameters"]["message"], "db is not for uid 65534; or ask as root");
  const auto reload = peer.call("Reload");
  EXPECT_EQ(reload["error"], "io.fief.Manager.NotAuthorized");
  EXPECT_EQ(reload["parameters"]["message"], "only root may do this");
  EXPECT_THAT(requests(), ElementsAre("attach /x [] until-restart by tenant 65534"));
}

TEST_F(VarlinkTest, ABoostLastsAsLongAsTheConnection) {
  const Json parameters{{"delegation", "a"}, {"properties", {{"weight", 900}}}};
  Peer peer(path_);
  EXPECT_EQ(peer.call("Boost", parameters)["error"], "org.varlink.service.ExpectedMore");
  peer.send_call("io.fief.Manager.Boost", parameters, "more");
  EXPECT_EQ(peer.receive()["continues"], true);
  EXPECT_THAT(requests(), ElementsAre("boost 1 a [weight=900] until-restart by uid 0"));
  peer.hang_up();
  wait_for_request("release 1");
}

TEST_F(VarlinkTest, ABoostThatFailsLeavesNothingAndTheConnection) {
  on_loop([this] { backend_.outcome = fail(Errc::infeasible, "too much"); });
  Peer peer(path_);
  peer.send_call("io.fief.Manager.Boost", {{"delegation", "a"}, {"properties", {{"weight", 9}}}},
                 "more");
  EXPECT_EQ(peer.receive()["error"], "io.fief.Manager.Infeasible");
  wait_for_request("release 1");
  EXPECT_FALSE(peer.call("GetStatus").contains("error"));
}

TEST_F(VarlinkTest, CallsAreAnsweredInOrderAndOnewayOnesNot) {
  Peer peer(path_);
  peer.send_call("io.fief.Manager.Reload", Json::object(), "oneway");
  peer.send_call("io.fief.Manager.Explain", {{"subject", "a"}});
  peer.send_call("io.fief.Manager.Replan");
  EXPECT_EQ(peer.receive()["parameters"]["text"], "because\n");
  EXPECT_EQ(peer.receive()["parameters"], Json::object());
  EXPECT_THAT(requests(), ElementsAre("reload", "replan"));
}

TEST_F(VarlinkTest, WhatIsNoCallEndsTheConnectionAlone) {
  Peer other(path_);
  const std::string deep(60'000, '[');
  for (const auto& text :
       {std::string("nonsense"), std::string("[]"), std::string("{}"), deep,
        std::string(R"({"method":"nodots"})"), std::string(R"({"method":"a.B","parameters":[]})"),
        std::string(100'000, ' ')}) {
    Peer peer(path_);
    peer.send(text + '\0');
    EXPECT_TRUE(peer.receive().is_null()) << text.substr(0, 40);
  }
  const auto nested = R"({"method":"io.fief.Manager.GetPlan","parameters":{"x":)" +
                      std::string(15'000, '[') + std::string(15'000, ']') + "}}";
  other.send(nested + '\0');
  EXPECT_EQ(other.receive()["error"], "org.varlink.service.InvalidParameter");
}

TEST_F(VarlinkTest, LateOutcomesFindNobodyAndHarmNobody) {
  std::vector<std::function<void(Status)>> held;
  on_loop([this, &held] { backend_.held = &held; });
  {
    Peer peer(path_);
    peer.send_call("io.fief.Manager.Boost", {{"delegation", "a"}, {"properties", {{"weight", 9}}}},
                   "more");
    wait_for_request("boost 1 a [weight=9] until-restart by uid 0");
  }
  on_loop([this, &held] {
    held.at(0)({});
    held.clear();
    backend_.held = nullptr;
  });
  wait_for_request("release 1");
}

TEST_F(VarlinkTest, OneUserHasSoManyConnectionsAndRootIsServed) {
  std::vector<Peer> peers;
  for (int i = 0; i < 17; ++i) {
    peers.push_back(connect_as(kNobody));
    EXPECT_FALSE(peers.back().call("GetPolicy").contains("error"));
  }
  EXPECT_TRUE(peers.front().receive().is_null());
  EXPECT_FALSE(peers.back().call("GetPolicy").contains("error"));
  EXPECT_FALSE(connect_as(kNobody - 1).call("GetPolicy").contains("error"));
  EXPECT_FALSE(Peer(path_).call("GetPolicy").contains("error"));
}

TEST_F(VarlinkTest, NobodyIsOutForThoseWhoSitThere) {
  std::vector<Peer> peers;
  for (uid_t user = 1; user <= 4; ++user)
    for (int i = 0; i < 16; ++i)
      peers.push_back(connect_as(kNobody - user));
  EXPECT_FALSE(connect_as(kNobody).call("GetStatus").contains("error"));
}

// Those that come while the loop is busy are answered by one look.
TEST_F(VarlinkTest, AStatusIsMadeOnceInATurn) {
  std::vector<Peer> peers;
  for (int i = 0; i < 12; ++i) {
    peers.push_back(connect_as(kNobody));
    peers.back().call("GetPolicy");
  }
  on_loop([this, &peers] {
    backend_.figure_reads = 0;
    for (auto& peer : peers)
      peer.send_call("io.fief.Manager.GetStatus");
  });
  for (auto& peer : peers)
    EXPECT_FALSE(peer.receive().contains("error"));
  on_loop([this] { EXPECT_LE(backend_.figure_reads, 3); });
}

TEST_F(VarlinkTest, WhoHasUsedUpTheirTimeWaitsAndOthersDoNot) {
  using std::chrono::steady_clock;
  auto greedy = connect_as(kNobody);
  on_loop([this] {
    budget_.spend(account_of(kNobody), std::chrono::milliseconds{1010}, steady_clock::now());
  });
  const auto began = steady_clock::now();
  greedy.send_call("io.fief.Manager.GetStatus");
  EXPECT_FALSE(connect_as(kNobody - 1).call("GetStatus").contains("error"));
  EXPECT_FALSE(Peer(path_).call("GetStatus").contains("error"));
  EXPECT_LT(steady_clock::now() - began, std::chrono::milliseconds{150});
  EXPECT_FALSE(greedy.receive().contains("error"));
  EXPECT_GE(steady_clock::now() - began, std::chrono::milliseconds{150});
}

TEST_F(VarlinkTest, CallsArePaidFor) {
  auto peer = connect_as(kNobody);
  peer.call("GetStatus");
  on_loop([this] { EXPECT_EQ(budget_.size(), 1U); });
}

TEST_F(VarlinkTest, ThePathIsNotTakenFromWhoeverListens) {
  on_loop([this] {
    varlink::Server second(io_, backend_, boosts_, budget_, path_);
    EXPECT_EQ(second.start().error().code, Errc::busy);
  });
  EXPECT_FALSE(Peer(path_).call("GetStatus").contains("error"));
}

TEST_F(VarlinkTest, AStopRemovesTheSocketAndAnOldOneIsReplaced) {
  on_loop([this] { server_.stop(); });
  EXPECT_FALSE(std::filesystem::exists(path_));
  write_file(path_, "");
  on_loop([this] { EXPECT_TRUE(server_.start()); });
  EXPECT_FALSE(Peer(path_).call("GetStatus").contains("error"));
}

}  // namespace
}  // namespace fief::test
