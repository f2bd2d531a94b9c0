// SPDX-License-Identifier: GPL-2.0-only
#include "app/notifier.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>

namespace fief {
namespace {

// A manager that cannot be told is not there.
void notify(const std::string& state) {
  static_cast<void>(sd_notify(0, state.c_str()));
}

}  // namespace

void Notifier::ready(const std::string& status) {
  notify(fmt::format("READY=1\nSTATUS={}", status));
}

// Type=notify-reload pairs the answer with the request by CLOCK_MONOTONIC, which steady_clock is.
void Notifier::reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reloading the policy", now.count()));
}

void Notifier::stopping(const std::string& status) {
  notify(fmt::format("STOPPING=1\nSTATUS={}", status));
}

void Notifier::status(const std::string& text) {
  notify("STATUS=" + text);
}

void Notifier::extend(const std::string& text, std::chrono::microseconds more) {
  notify(fmt::format("STATUS={}\nEXTEND_TIMEOUT_USEC={}", text, more.count()));
}

void Notifier::keep_alive() {
  notify("WATCHDOG=1");
}

std::optional<std::chrono::microseconds> Notifier::keep_alive_interval() const {
  std::uint64_t allowed = 0;
  if (sd_watchdog_enabled(0, &allowed) <= 0)
    return std::nullopt;
  return std::chrono::microseconds{allowed / 2};
}

}  // namespace fief
