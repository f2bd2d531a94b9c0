// SPDX-License-Identifier: GPL-2.0-only
// What the service manager is told: sd_notify(3). Without one, everything here does nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace fief {

class Notifier {
 public:
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
};

}  // namespace fief
