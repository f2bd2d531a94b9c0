// SPDX-License-Identifier: GPL-2.0-only
// A plain client of the service: what any program on the bus can do.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "api/sdbus.hpp"
#include "fief/dbus_names.hpp"

namespace fief::test {

/// How long anything on the bus may take before a test fails.
inline constexpr std::chrono::seconds kPatience{60};

/// Waits until somebody owns @p name.
void wait_for_name(const std::string& name);

/// Makes this thread another user's while it lives: who connects then is that user to the bus. For
/// root only.
class AsUser {
 public:
  explicit AsUser(uid_t user);
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;
  AsUser(AsUser&&) = delete;
  AsUser& operator=(AsUser&&) = delete;
  ~AsUser();
};

/// Either a reply or an error name with its message.
struct Answer {
  dbus::MessageRef message;
  std::string error;
  std::string sentence;
  explicit operator bool() const { return error.empty(); }
};

/// A signal, with what the tests look at already read.
struct Signal {
  std::string path;
  std::string interface;
  std::string member;
  dbus::MessageRef message;
};

class Client {
 public:
  /// Connects and, from then on, collects every signal of the service.
  Client();

  /// Calls a method of the service without arguments, or with one string.
  Answer call(const std::string& path, const std::string& interface, const std::string& method,
              const std::vector<std::string>& strings = {});
  Answer call_manager(const std::string& method, const std::vector<std::string>& strings = {});
  /// A property, its variant already entered.
  Answer property(const std::string& path, const std::string& interface, const std::string& name);

  /// The next signal named @p member not yet taken; fails the test if none comes in time.
  Signal next_signal(const std::string& member);
  /// Signals not yet taken, after everything sent so far has arrived.
  std::deque<Signal> pending_signals();

  [[nodiscard]] sd_bus* connection() const { return bus_.get(); }

 private:
  static int on_signal(sd_bus_message* message, void* userdata, sd_bus_error* error);

  std::deque<Signal> signals_;
  dbus::BusHandle bus_;
};

/// The next value of @p message.
std::string read_string(const dbus::MessageRef& message);
std::string read_path(const dbus::MessageRef& message);
bool read_bool(const dbus::MessageRef& message);
double read_double(const dbus::MessageRef& message);
std::uint64_t read_u64(const dbus::MessageRef& message);
std::uint32_t read_u32(const dbus::MessageRef& message);

}  // namespace fief::test
