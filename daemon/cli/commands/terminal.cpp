// SPDX-License-Identifier: GPL-2.0-only
#include "cli/commands/terminal.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <initializer_list>
#include <utility>

namespace fief::cli {
namespace {

// ECMA-48 and xterm: alternate screen, cursor, erase.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kEraseLine = "\x1b[K\n";
constexpr std::string_view kEraseBelow = "\x1b[J";

volatile sig_atomic_t signalled = 0;

void note_signal(int /*signal*/) {
  signalled = 1;
}

void write_all(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void catch_signals() {
  struct sigaction action{};
  action.sa_handler = note_signal;  // no SA_RESTART: a wait ends
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaction(signal, &action, nullptr);
}

bool is_quit(char key) {
  constexpr char kControlC = 3;
  return key == 'q' || key == 'Q' || key == kControlC;
}

}  // namespace

std::optional<Screen> Screen::open() {
  termios before{};
  if (isatty(STDOUT_FILENO) == 0 || tcgetattr(STDIN_FILENO, &before) != 0)
    return std::nullopt;
  catch_signals();
  auto keys = before;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  write_all(kEnter);
  return Screen(before);
}

Screen::Screen(Screen&& other) noexcept : before_(std::exchange(other.before_, std::nullopt)) {}

Screen::~Screen() {
  if (!before_)
    return;
  write_all(kLeave);
  tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
}

void Screen::draw(std::string_view text) const {
  std::string screen(kHome);
  for (const char c : text) {
    if (c == '\n')
      screen += kEraseLine;
    else
      screen += c;
  }
  write_all(screen.append(kEraseBelow));
}

bool Screen::wait_for_quit(std::chrono::milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (signalled == 0) {
    const auto rest =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (rest.count() <= 0)
      return false;
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (poll(&input, 1, static_cast<int>(rest.count())) <= 0)
      continue;
    std::array<char, 1> key{};
    if (read(STDIN_FILENO, key.data(), key.size()) <= 0 || is_quit(key[0]))
      return true;
  }
  return true;
}

}  // namespace fief::cli
