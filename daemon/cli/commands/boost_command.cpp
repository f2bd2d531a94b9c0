// SPDX-License-Identifier: GPL-2.0-only
// fiefctl boost: something more for a cgroup, for as long as a command runs.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "cli/client/client.hpp"
#include "cli/commands/assignments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/program.hpp"

namespace fief::cli {
namespace {

// As shells have it.
constexpr int kSignalled = 128;

// A terminal sends these to the command as well; whoever holds the boost outlives it.
void leave_signals_to_command() {
  for (const int signal : {SIGINT, SIGQUIT})
    std::signal(signal, SIG_IGN);
}

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
}

Result<int> run(std::vector<std::string> command) {
  const auto arguments = argument_vector(command);
  pid_t pid = -1;
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGINT);
  sigaddset(&defaults, SIGQUIT);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int error =
      posix_spawnp(&pid, arguments.front(), nullptr, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    return fail(Errc::not_found, "cannot run {}: {}", command.front(), std::strerror(error));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return exit_status(status);
}

}  // namespace

int boost_command(const std::string& subject, const std::string& reason,
                  const std::vector<std::string>& words) {
  const auto command = std::ranges::find_if(
      words, [](const auto& word) { return word.find('=') == std::string::npos; });
  const auto keys = parse_assignments({words.begin(), command});
  if (command == words.begin())
    return report_refusal({Errc::invalid, "no KEY=VALUE is given"}, false);
  if (!keys)
    return report_refusal(keys.error(), false);
  const auto hold = connect().and_then([&](const Connection& daemon) {
    return daemon->open("Boost",
                        {{"delegation", subject}, {"properties", *keys}, {"reason", reason}});
  });
  if (!hold)
    return report_refusal(hold.error(), false);
  if (command == words.end()) {
    pause();  // until a signal ends this process, and the boost with it
    return kDone;
  }
  leave_signals_to_command();
  const auto ended = run({command, words.end()});
  if (ended)
    return *ended;
  report(ended.error(), false);
  return kNotRun;
}

}  // namespace fief::cli
