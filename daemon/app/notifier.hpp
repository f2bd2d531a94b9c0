// SPDX-License-Identifier: GPL-2.0-only
// What the service manager is told, by the protocol of sd_notify(3), which itself may wait for the
// manager and is therefore not used. Without a manager, everything here does nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/fd.hpp"

namespace fief {

/// Never waits for the manager: what it does not take now, it is told a second later, each thing as
/// it is by then.
class Notifier {
 public:
  /// The manager is at $NOTIFY_SOCKET. @p io outlives this object.
  explicit Notifier(boost::asio::io_context& io);

  /// The service is up, or has finished to reload.
  void ready(const std::string& status);
  /// A reload begins; ready() ends it.
  void reloading();
  void stopping(const std::string& status);
  /// One line for `systemctl status`.
  void status(const std::string& text);
  /// A step that may take long begins: the manager waits @p more from now on before it gives up.
  void extend(const std::string& text, std::chrono::microseconds more);
  void keep_alive();

  /// How often keep_alive() is due: half of what the manager allows. Unset: it does not ask.
  [[nodiscard]] std::optional<std::chrono::microseconds> keep_alive_interval() const;

 private:
  void tell(std::initializer_list<std::pair<const char*, std::string>> facts);
  void tell_all();

  std::string address_;  ///< empty: there is no manager
  UniqueFd socket_;
  std::map<std::string, std::string> untold_;
  boost::asio::steady_timer retry_;
};

}  // namespace fief
