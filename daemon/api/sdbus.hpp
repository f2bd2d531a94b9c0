// SPDX-License-Identifier: GPL-2.0-only
// RAII around libsystemd's sd-bus: handles, errors and appended values. Shared by the service and
// by fiefctl; nothing here knows an event loop.
#pragma once

#include <systemd/sd-bus.h>

#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace fief::dbus {

template <auto Release>
struct Releaser {
  template <class T>
  void operator()(T* object) const noexcept {
    Release(object);
  }
};

/// Closes without flushing: a flush may block for as long as the other side likes.
using BusHandle = std::unique_ptr<sd_bus, Releaser<sd_bus_close_unref>>;
using TrackHandle = std::unique_ptr<sd_bus_track, Releaser<sd_bus_track_unref>>;
using SlotHandle = std::unique_ptr<sd_bus_slot, Releaser<sd_bus_slot_unref>>;
/// Shared, so that a reply can be sent from a copyable callback. Keeps its bus in memory.
using MessageRef = std::shared_ptr<sd_bus_message>;

/// Another reference to a message that sd-bus lent.
MessageRef hold(sd_bus_message& message);
/// Takes over the reference that a call such as sd_bus_message_new_method_call() returned.
MessageRef adopt(sd_bus_message* message);

/// An sd_bus_error that frees itself.
class BusError {
 public:
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  BusError(BusError&&) = delete;
  BusError& operator=(BusError&&) = delete;
  ~BusError() { sd_bus_error_free(&error_); }

  [[nodiscard]] sd_bus_error* out() { return &error_; }
  [[nodiscard]] std::string_view name() const { return error_.name ? error_.name : ""; }
  [[nodiscard]] std::string_view message() const { return error_.message ? error_.message : ""; }

 private:
  sd_bus_error error_{};
};

/// The sentence for a negative errno.
std::string errno_text(int negative_errno);
/// Errc::io with "<what>: <errno text>" for a negative @p result, else success.
Status checked(int result, std::string_view what);

/// The D-Bus error name that tells a client what kind of failure it was; @p invalid: that of
/// Errc::invalid, for requests whose arguments are not what is wrong.
const char* error_name(Errc code, const char* invalid = SD_BUS_ERROR_INVALID_ARGS);
/// Sends @p status as the reply to @p request: empty, or the error with its sentence. A client
/// that is gone by now is not a failure.
void reply(sd_bus_message& request, const Status& status,
           const char* invalid = SD_BUS_ERROR_INVALID_ARGS);
/// The same for an error that is none of Errc's kinds.
void reply_error(sd_bus_message& request, const char* name, const std::string& sentence);
/// The same where sd-bus sends the answer: returns what the method's callback is to return.
int set_error(sd_bus_error* error, const char* name, const std::string& sentence);

}  // namespace fief::dbus
