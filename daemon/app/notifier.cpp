// SPDX-License-Identifier: GPL-2.0-only
#include "app/notifier.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace fief {
namespace {

constexpr std::chrono::seconds kRetry{1};

std::string manager_address() {
  const char* address = std::getenv("NOTIFY_SOCKET");
  return address == nullptr ? "" : address;
}

/// False if it must be tried again. A manager that cannot be told is not there.
bool try_send(int socket, const std::string& address, const std::string& text) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  const auto length = address.copy(to.sun_path, sizeof(to.sun_path) - 1);
  if (address.starts_with('@'))
    to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  const auto sent = ::sendto(socket, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to), size);
  return sent >= 0 || (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM);
}

}  // namespace

Notifier::Notifier(boost::asio::io_context& io)
    : address_(manager_address()),
      socket_(address_.empty() ? -1 : ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
      retry_(io) {}

void Notifier::ready(const std::string& status) {
  untold_.erase("RELOADING");
  tell({{"READY", "1"}, {"STATUS", status}});
}

// Type=notify-reload pairs the answer with the request by CLOCK_MONOTONIC, which steady_clock is.
void Notifier::reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  untold_.erase("READY");
  tell({{"RELOADING", "1"},
        {"MONOTONIC_USEC", fmt::format("{}", now.count())},
        {"STATUS", "reloading the policy"}});
}

void Notifier::stopping(const std::string& status) {
  tell({{"STOPPING", "1"}, {"STATUS", status}});
}

void Notifier::status(const std::string& text) {
  tell({{"STATUS", text}});
}

void Notifier::extend(const std::string& text, std::chrono::microseconds more) {
  tell({{"STATUS", text}, {"EXTEND_TIMEOUT_USEC", fmt::format("{}", more.count())}});
}

void Notifier::keep_alive() {
  tell({{"WATCHDOG", "1"}});
}

std::optional<std::chrono::microseconds> Notifier::keep_alive_interval() const {
  std::uint64_t allowed = 0;
  if (sd_watchdog_enabled(0, &allowed) <= 0)
    return std::nullopt;
  return std::chrono::microseconds{allowed / 2};
}

void Notifier::tell(std::initializer_list<std::pair<const char*, std::string>> facts) {
  if (!socket_)
    return;
  for (const auto& [name, value] : facts)
    untold_.insert_or_assign(name, value);
  tell_all();
}

void Notifier::tell_all() {
  std::string text;
  for (const auto& [name, value] : untold_)
    text += fmt::format("{}={}\n", name, value);
  if (try_send(socket_.get(), address_, text)) {
    untold_.clear();
    return;
  }
  retry_.expires_after(kRetry);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !untold_.empty())
      tell_all();
  });
}

}  // namespace fief
