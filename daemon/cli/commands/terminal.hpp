// SPDX-License-Identifier: GPL-2.0-only
// The terminal as a screen that is drawn anew and a keyboard that is read key by key.
#pragma once

#include <termios.h>

#include <chrono>
#include <optional>
#include <string_view>

namespace fief::cli {

/// While it lives, the alternate screen is shown and keys arrive at once and unseen; afterwards
/// the terminal is as it was, also when SIGINT, SIGTERM or SIGHUP ended the wait.
class Screen {
 public:
  /// Nothing if standard input or output is no terminal.
  static std::optional<Screen> open();
  Screen(Screen&& other) noexcept;
  Screen& operator=(Screen&&) = delete;
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();

  /// Draws @p text from the top, nothing else is left.
  void draw(std::string_view text) const;
  /// Waits for @p time; true if a key or a signal asks to quit: q, Q, Ctrl-C or end of input.
  [[nodiscard]] bool wait_for_quit(std::chrono::milliseconds time) const;

 private:
  explicit Screen(const termios& before) : before_(before) {}

  std::optional<termios> before_;  ///< empty: moved from
};

}  // namespace fief::cli
