// SPDX-License-Identifier: GPL-2.0-only
#include "dbus/private_bus.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace fief::test {
namespace {

// Defaults as strict as the real system bus's: what is not allowed by a service's own policy file
// is not allowed. Any user may connect, and root may stand in for polkit.
constexpr char kConfiguration[] = R"(<busconfig>
  <listen>unix:path={0}/socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
  </policy>
  <policy user="root">
    <allow own="org.freedesktop.PolicyKit1"/>
  </policy>
  <include>{1}/org.fief.Fief1.conf</include>
</busconfig>
)";

std::string read_all(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

PrivateBus::PrivateBus() {
  const auto path = directory_.path().string();
  // Other users are among the clients.
  std::filesystem::permissions(path, std::filesystem::perms{0755});
  write_file(directory_.path() / "bus.conf", fmt::format(kConfiguration, path, FIEF_SYSTEMD_DIR));
  setenv("DBUS_SYSTEM_BUS_ADDRESS", fmt::format("unix:path={}/socket", path).c_str(), 1);
  start();
}

PrivateBus::~PrivateBus() {
  end();
  unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

void PrivateBus::restart() {
  end();
  std::filesystem::remove(directory_.path() / "socket");
  start();
}

// The daemon prints its address once it listens, so there is nothing to wait for but that line.
void PrivateBus::start() {
  std::array<int, 2> pipe{};
  if (pipe2(pipe.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("cannot make a pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  const auto log = directory_.path() / "log";
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
  auto config = fmt::format("--config-file={}/bus.conf", directory_.path().string());
  std::string program = "dbus-daemon";
  std::string print = "--print-address";
  std::string nofork = "--nofork";
  std::array<char*, 5> argv{program.data(), config.data(), print.data(), nofork.data(), nullptr};
  const int spawned = posix_spawnp(&pid_, "dbus-daemon", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe[1]);
  std::array<char, 256> line{};
  const auto length = spawned == 0 ? read(pipe[0], line.data(), line.size()) : -1;
  close(pipe[0]);
  if (length <= 0)
    throw std::runtime_error("cannot start dbus-daemon: " + read_all(log));
}

void PrivateBus::end() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

Outcome run(const std::string& command) {
  const TempDir directory;
  const auto out = directory.path() / "out";
  const auto err = directory.path() / "err";
  const auto status =
      std::system(fmt::format("( {} ) >{} 2>{}", command, out.string(), err.string()).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_all(out),
          read_all(err)};
}

}  // namespace fief::test
