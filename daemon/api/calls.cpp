// SPDX-License-Identifier: GPL-2.0-only
#include "api/calls.hpp"

#include <utility>

namespace fief::dbus {

int PendingCalls::send(sd_bus_message& call, std::chrono::microseconds timeout, Then then) {
  const auto entry = calls_.emplace(calls_.end());
  entry->owner = this;
  entry->then = std::move(then);
  entry->self = entry;
  sd_bus_slot* slot = nullptr;
  const int sent = sd_bus_call_async(sd_bus_message_get_bus(&call), &slot, &call, on_reply, &*entry,
                                     static_cast<std::uint64_t>(timeout.count()));
  entry->slot.reset(slot);
  if (sent < 0)
    calls_.erase(entry);
  return sent;
}

int PendingCalls::on_reply(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  auto& call = *static_cast<Call*>(userdata);
  // The callback may clear() everything, itself included.
  const auto then = std::move(call.then);
  call.owner->calls_.erase(call.self);
  then(*reply);
  return 0;
}

}  // namespace fief::dbus
