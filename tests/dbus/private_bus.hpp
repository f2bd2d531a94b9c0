// SPDX-License-Identifier: GPL-2.0-only
// A system bus of the test's own: the real dbus-daemon under the D-Bus policy that fief installs.
#pragma once

#include <sys/types.h>

#include <string>

#include "unit/temp_dir.hpp"

namespace fief::test {

/// Runs until destroyed. DBUS_SYSTEM_BUS_ADDRESS leads to it meanwhile, for this process and what
/// it starts.
class PrivateBus {
 public:
  PrivateBus();
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;
  PrivateBus(PrivateBus&&) = delete;
  PrivateBus& operator=(PrivateBus&&) = delete;
  ~PrivateBus();

  /// Ends the daemon as a crash would, and starts it again at the same address.
  void restart();

 private:
  void start();
  void end();

  TempDir directory_;  ///< holds its socket and configuration
  pid_t pid_ = -1;
};

/// What a program printed and how it ended.
struct Outcome {
  int status = -1;  ///< exit status; 128 + signal
  std::string output;
  std::string errors;
};

/// Runs @p command through the shell.
Outcome run(const std::string& command);

}  // namespace fief::test
