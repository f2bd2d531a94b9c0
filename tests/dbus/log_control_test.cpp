// SPDX-License-Identifier: GPL-2.0-only
// The level of the log, changed as systemctl changes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/log.hpp"
#include "dbus/client.hpp"
#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"

namespace fief::test {
namespace {

using testing::HasSubstr;

constexpr char kPath[] = "/org/freedesktop/LogControl1";
constexpr char kInterface[] = "org.freedesktop.LogControl1";

// What "systemctl service-log-level" sends.
std::string set_to(const std::string& property, const std::string& value) {
  return std::string("busctl --system set-property org.fief.Fief1 ") + kPath + ' ' + kInterface +
         ' ' + property + " s " + value;
}

class LogControlTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0)
      GTEST_SKIP() << "only root can be root and somebody else";
  }
  void TearDown() override { log::set_level(log::Level::info); }
  std::string value(const std::string& property) {
    return read_string(client_.property(kPath, kInterface, property).message);
  }
  log::Level level() {
    auto now = log::Level::info;
    service_.on_loop([&now](StateBackend&, Service&) { now = log::level(); });
    return now;
  }

  PrivateBus bus_;
  RunningService service_;
  Client client_;
};

TEST_F(LogControlTest, ShowsWhereTheLogGoes) {
  EXPECT_EQ(value("LogLevel"), "info");
  EXPECT_EQ(value("LogTarget"), "console");
  EXPECT_EQ(value("SyslogIdentifier"), "fiefd");
}

TEST_F(LogControlTest, RootSetsTheLevel) {
  for (const auto& [name, expected] :
       {std::pair{"debug", log::Level::debug}, {"err", log::Level::error}}) {
    const auto outcome = run(set_to("LogLevel", name));
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_EQ(level(), expected);
    EXPECT_EQ(value("LogLevel"), name);
  }
}

TEST_F(LogControlTest, LevelsThatFiefdNeverUsesLeaveItsErrors) {
  EXPECT_EQ(run(set_to("LogLevel", "emerg")).status, 0);
  EXPECT_EQ(value("LogLevel"), "err");
}

TEST_F(LogControlTest, OthersMayNotWithoutPolkit) {
  const auto outcome =
      run("setpriv --reuid 65534 --regid 65534 --clear-groups " + set_to("LogLevel", "debug"));
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.errors, HasSubstr("Access denied"));
  EXPECT_EQ(level(), log::Level::info);
}

TEST_F(LogControlTest, NothingElseIsSet) {
  const auto unknown = run(set_to("LogLevel", "loud"));
  EXPECT_NE(unknown.status, 0);
  EXPECT_THAT(unknown.errors, HasSubstr("no level of syslog(3)"));
  EXPECT_NE(run(set_to("LogTarget", "kmsg")).status, 0);
  EXPECT_NE(run(set_to("Colour", "red")).status, 0);
  EXPECT_EQ(level(), log::Level::info);
}

}  // namespace
}  // namespace fief::test
