// SPDX-License-Identifier: GPL-2.0-only
// Method calls that the service itself makes and whose answers arrive in later turns.
#pragma once

#include <chrono>
#include <functional>
#include <list>

#include "api/sdbus.hpp"

namespace fief::dbus {

/// Owns the callbacks of calls under way. They often hold messages, which keep their bus in
/// memory, which would keep the callbacks: clear() on the loss of the bus breaks that ring.
class PendingCalls {
 public:
  using Then = std::function<void(sd_bus_message& reply)>;

  PendingCalls() = default;
  PendingCalls(const PendingCalls&) = delete;
  PendingCalls& operator=(const PendingCalls&) = delete;
  PendingCalls(PendingCalls&&) = delete;
  PendingCalls& operator=(PendingCalls&&) = delete;
  ~PendingCalls() = default;

  /// Sends @p call. @p then gets the reply, or an error message after @p timeout. Returns a
  /// negative errno if it could not be sent; @p then is not called in that case.
  int send(sd_bus_message& call, std::chrono::microseconds timeout, Then then);
  /// Forgets every call under way; their callbacks are destroyed, not called.
  void clear() { calls_.clear(); }

 private:
  struct Call {
    PendingCalls* owner = nullptr;
    Then then;
    SlotHandle slot;
    std::list<Call>::iterator self;
  };
  static int on_reply(sd_bus_message* reply, void* userdata, sd_bus_error* error);

  std::list<Call> calls_;
};

}  // namespace fief::dbus
