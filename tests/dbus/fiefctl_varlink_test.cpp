// SPDX-License-Identifier: GPL-2.0-only
// fiefctl where there is no bus: each command by Varlink, beside the same by D-Bus.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"

namespace fief::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kNoBus[] = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent ";
constexpr char kNeedsBus[] = " cannot be had by Varlink; it needs the system bus\n";

Outcome by_bus(const std::string& arguments) {
  return run(fmt::format("{} {}", FIEF_FIEFCTL, arguments));
}

class FiefctlByVarlinkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0)
      GTEST_SKIP() << "only root may change things";
    std::filesystem::permissions(std::filesystem::path(service_.socket()).parent_path(),
                                 std::filesystem::perms{0755});
  }

  // Without a bus, whose address is one that nobody listens at.
  [[nodiscard]] Outcome by_varlink(const std::string& arguments) const {
    return run(fmt::format("{} FIEF_VARLINK={} {} {}", kNoBus, service_.socket(), FIEF_FIEFCTL,
                           arguments));
  }
  void set_outcome(const Status& outcome) {
    service_.on_loop([&outcome](StateBackend& backend, Service&) { backend.outcome = outcome; });
  }
  // What the daemon was asked for since the last look, whoever asked.
  std::vector<std::string> take_requests() {
    std::vector<std::string> taken;
    service_.on_loop(
        [&taken](StateBackend& backend, Service&) { taken = std::exchange(backend.requests, {}); });
    for (auto& request : taken)
      request = request.substr(0, request.find(" by "));
    return taken;
  }

  PrivateBus bus_;
  RunningService service_;
};

void expect_equal(const Outcome& outcome, const Outcome& expected, const std::string& command) {
  EXPECT_EQ(outcome.status, expected.status) << command;
  EXPECT_EQ(outcome.output, expected.output) << command;
  EXPECT_EQ(outcome.errors, expected.errors) << command;
}

TEST_F(FiefctlByVarlinkTest, WhatIsShownIsTheSame) {
  for (const std::string command :
       {"status", "status --json", "status --check", "tree", "tree --json", "map", "map --json",
        "metrics", "metrics --prometheus", "policy show", "policy show --json",
        "policy show --defaults", "explain a", "explain a --json", "reload --dry-run",
        "reload --dry-run --json"}) {
    const auto outcome = by_varlink(command);
    EXPECT_EQ(outcome.status, 0) << command << ": " << outcome.errors;
    EXPECT_NE(outcome.output, "") << command;
    expect_equal(outcome, by_bus(command), command);
  }
  EXPECT_THAT(by_varlink("top --once --interval 0.1").output, HasSubstr("/demo.slice/a.service"));
  EXPECT_EQ(by_varlink("top --json --interval 0.1").status, 0);
}

TEST_F(FiefctlByVarlinkTest, WhatIsChangedIsTheSame) {
  for (const std::string command :
       {"reload", "reload --json", "set a weight=300 max-cpus=2.5 lend=false placement=spread",
        "set --runtime --json a weight=300", "attach /x",
        "attach --runtime --scheduler batch --option slice_us=500 --option eager=true /x",
        "detach a", "detach --runtime a", "revert a", "kill a", "kill --reason enough a", "replan",
        "replan --from-scratch", "leave"}) {
    expect_equal(by_varlink(command), by_bus(command), command);
    const auto requests = take_requests();
    ASSERT_EQ(requests.size(), 2U) << command;
    EXPECT_EQ(requests[0], requests[1]) << command;
  }
}

TEST_F(FiefctlByVarlinkTest, ABoostLastsAsLongAsItsCommand) {
  const auto release = [this] {
    for (int tries = 0; tries < 1000; ++tries, usleep(10'000))
      if (const auto taken = take_requests(); !taken.empty())
        return taken.back();
    return std::string("nothing");
  };
  const auto tree = by_varlink("boost --reason dump a weight=900 -- " FIEF_FIEFCTL " tree");
  expect_equal(tree, by_bus("tree"), "tree");
  EXPECT_EQ(release(), "release 1");
  EXPECT_EQ(by_varlink("boost a weight=900 -- sh -c 'exit 7'").status, 7);
  EXPECT_EQ(release(), "release 2");
}

TEST_F(FiefctlByVarlinkTest, FailuresAreTheSame) {
  for (const auto code : {Errc::invalid, Errc::infeasible, Errc::not_found, Errc::kernel,
                          Errc::stale, Errc::unsupported, Errc::busy, Errc::io}) {
    set_outcome(fail(code, "for a reason"));
    for (const std::string command : {"set a weight=300", "set a weight=300 --json", "reload",
                                      "reload --dry-run", "boost a weight=900 -- true"}) {
      const auto outcome = by_varlink(command);
      EXPECT_THAT(outcome.errors, HasSubstr("for a reason"));
      expect_equal(outcome, by_bus(command), command);
    }
  }
  for (const std::string command :
       {"explain nobody", "set a weight", "set a name=x", "boost a -- true"})
    expect_equal(by_varlink(command), by_bus(command), command);
}

TEST_F(FiefctlByVarlinkTest, OthersThanRootReadOnly) {
  const auto as_nobody = [this](const std::string& arguments) {
    return run(
        fmt::format("setpriv --reuid 65534 --regid 65534 --clear-groups env FIEF_VARLINK={} "
                    "{} {}",
                    service_.socket(), FIEF_FIEFCTL, arguments));
  };
  EXPECT_EQ(as_nobody("status").status, 0);
  const auto refused = as_nobody("reload");
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.errors, "fiefctl: only root may do this\n");
  EXPECT_THAT(take_requests(), ElementsAre());
}

TEST_F(FiefctlByVarlinkTest, WhatNeedsTheBusSaysSo) {
  for (const std::string command : {"monitor", "dump"}) {
    const auto outcome = by_varlink(command);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.output, "");
    EXPECT_THAT(outcome.errors, AllOf(StartsWith("fiefctl: "), testing::EndsWith(kNeedsBus)));
  }
}

TEST_F(FiefctlByVarlinkTest, TheOptionNamesTheSocketAndIsTakenAlthoughThereIsABus) {
  const auto option = fmt::format("--varlink {} ", service_.socket());
  expect_equal(by_bus(option + "status"), by_bus("status"), "status");
  EXPECT_THAT(by_bus(option + "dump").errors, HasSubstr(kNeedsBus));
  EXPECT_EQ(by_bus(option + "boost a weight=900 -- " FIEF_FIEFCTL " dump").status, 1);
}

TEST_F(FiefctlByVarlinkTest, WithoutABusTheDaemonsOwnSocketIsTaken) {
  const auto in_container = [](const std::string& preparation) {
    return run(fmt::format("unshare --mount sh -c 'mount -t tmpfs none /run && {} {} {} status'",
                           preparation, kNoBus, FIEF_FIEFCTL));
  };
  const auto alone = in_container("");
  EXPECT_EQ(alone.status, 1);
  EXPECT_THAT(alone.errors,
              AllOf(StartsWith("fiefctl: cannot connect to the system bus: "),
                    HasSubstr(", and cannot connect to fiefd at /run/fief/io.fief.Manager: ")));
  const auto beside = in_container(
      fmt::format("mkdir /run/fief && ln -s {} /run/fief/io.fief.Manager &&", service_.socket()));
  expect_equal(beside, by_bus("status"), "status");
}

// A container that boots has a bus of its own, on which there is no fief.
TEST_F(FiefctlByVarlinkTest, WhereTheBusHasNoDaemonItsOwnSocketIsTaken) {
  const auto expected = by_bus("status");
  const PrivateBus other;
  const auto in_container = [](const std::string& preparation, const std::string& command) {
    return run(fmt::format("unshare --mount sh -c 'mount -t tmpfs none /run && {} {} {}'",
                           preparation, FIEF_FIEFCTL, command));
  };
  const auto bound = fmt::format(
      "mkdir /run/fief && mount --bind {} /run/fief && mount -o remount,ro,bind "
      "/run/fief && ln -s /run/fief/{} /run/name &&",
      std::filesystem::path(service_.socket()).parent_path().string(),
      std::filesystem::path(service_.socket()).filename().string());
  const auto linked =
      fmt::format("mkdir /run/fief && ln -s {} /run/fief/io.fief.Manager &&", service_.socket());
  expect_equal(in_container(linked, "status"), expected, "status");
  EXPECT_EQ(in_container(bound, "--varlink /run/name status").output, expected.output)
      << "a directory may be bound read-only";
  EXPECT_EQ(in_container(linked, "set a weight=300").status, 0);
  EXPECT_THAT(take_requests(), ElementsAre("change a [weight=300] persistent"));
  EXPECT_THAT(in_container("", "status").errors, HasSubstr("fiefd is not running; start it"));
}

TEST_F(FiefctlByVarlinkTest, WhoeverDoesNotAnswerIsNamed) {
  const auto nobody = run(FIEF_FIEFCTL " --varlink /nonexistent status --json");
  EXPECT_EQ(nobody.status, 1);
  EXPECT_THAT(nobody.output, HasSubstr("\"done\": false"));
  EXPECT_EQ(nobody.errors,
            "fiefctl: cannot connect to fiefd at /nonexistent: No such file or directory\n");
  const auto too_long = std::string(200, 'x');
  EXPECT_EQ(by_bus("--varlink " + too_long + " status").errors,
            "fiefctl: " + too_long + " is too long for a socket's path\n");
}

}  // namespace
}  // namespace fief::test
