// SPDX-License-Identifier: GPL-2.0-only
// Notices that the policy's files have changed, for those whose files are changed by others than an
// administrator at a shell: a ConfigMap's, by a link that is replaced.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/inotify.hpp"
#include "control/turn/triggers.hpp"
#include "policy/load.hpp"

namespace fief {

class PolicyWatch {
 public:
  /// From the first change on, until the files are looked at: several are changed one by one.
  static constexpr std::chrono::milliseconds kQuiet{300};

  /// @p directories are those of the files that @p read reads; the ones that are not there yet are
  /// watched once they are, if the one above is among them or was there. @p changed runs on @p io
  /// when the files say something else than before. This object outlives the loop's last handler.
  PolicyWatch(boost::asio::io_context& io, std::vector<std::string> directories,
              std::function<PolicySources()> read, std::function<void()> changed);

  /// Errc::io, naming the sysctl, when the inotify limits do not allow it.
  Status start();
  void stop();

 private:
  Status watch_all();
  PacedWait::Pause take_in();
  void compare();

  std::vector<std::string> directories_;
  std::function<PolicySources()> read_;
  std::function<void()> changed_;
  boost::asio::steady_timer quiet_;
  PacedWait wait_;
  std::optional<Inotify> inotify_;
  std::vector<PolicyText> known_;
  bool is_due_ = false;  ///< compare() is going to run
};

}  // namespace fief
