// SPDX-License-Identifier: GPL-2.0-only
// A real journal for one test.
#pragma once

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include "unit/temp_dir.hpp"

namespace fief::test {

inline constexpr char kJournald[] = "/usr/lib/systemd/systemd-journald";

/// Whether @p condition holds within @p limit.
template <class Condition>
bool comes_true(Condition condition, std::chrono::seconds limit = std::chrono::seconds{20}) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return true;
}

/// A journald with a directory and a socket of its own, beside whatever journal there is.
class Journald {
 public:
  /// It asks the kernel who sends, which only root may.
  static bool can_run() { return ::geteuid() == 0 && std::filesystem::exists(kJournald); }

  Journald() {
    std::filesystem::create_directories(logs());
    std::filesystem::create_directories(runtime());
    std::array environment{"LOGS_DIRECTORY=" + logs(), "RUNTIME_DIRECTORY=" + runtime(),
                           std::string("SYSTEMD_LOG_LEVEL=err")};
    std::array<char*, 4> pointers{environment[0].data(), environment[1].data(),
                                  environment[2].data(), nullptr};
    std::string program = kJournald;
    auto name = "fief-test-" + std::to_string(::getpid());
    std::array<char*, 3> arguments{program.data(), name.data(), nullptr};
    if (::posix_spawn(&process_, kJournald, nullptr, nullptr, arguments.data(), pointers.data()) !=
        0)
      process_ = -1;
  }
  Journald(const Journald&) = delete;
  Journald& operator=(const Journald&) = delete;
  ~Journald() {
    if (process_ <= 0)
      return;
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
  }

  [[nodiscard]] bool listens() const {
    return comes_true([this] { return std::filesystem::exists(socket()); });
  }
  [[nodiscard]] std::string logs() const { return directory_.path() / "logs"; }
  [[nodiscard]] std::string socket() const { return runtime() + "/socket"; }

 private:
  [[nodiscard]] std::string runtime() const { return directory_.path() / "run"; }

  TempDir directory_;
  pid_t process_ = -1;
};

}  // namespace fief::test
