// SPDX-License-Identifier: GPL-2.0-only
#include "api/change_methods.hpp"

#include <utility>

#include "api/changed_values.hpp"
#include "api/vtables.hpp"
#include "fief/dbus_names.hpp"

namespace fief::dbus {
namespace {

int carry_out(sd_bus_message* request, void* userdata, Change change) {
  static_cast<Objects*>(userdata)->carry_out(*request, std::move(change), {});
  return 1;
}

int refuse(sd_bus_error* error, const Error& why) {
  return set_error(error, SD_BUS_ERROR_INVALID_ARGS, why.message);
}

// The same for a change that may be wrong in itself.
int carry_out(sd_bus_message* request, void* userdata, Result<Change> change, sd_bus_error* error) {
  return change ? carry_out(request, userdata, std::move(*change)) : refuse(error, change.error());
}

// Reads the flags, the last argument; negative with @p error set if there are others than allowed.
int read_flags(sd_bus_message* request, std::uint64_t allowed, std::uint64_t& flags,
               sd_bus_error* error) {
  if (const int result = sd_bus_message_read(request, "t", &flags); result < 0)
    return result;
  if ((flags & ~allowed) != 0)
    return sd_bus_error_set_const(error, SD_BUS_ERROR_INVALID_ARGS, "there are unknown flags");
  return 0;
}

int read_lifetime(sd_bus_message* request, Lifetime& lifetime, sd_bus_error* error) {
  std::uint64_t flags = 0;
  const int result = read_flags(request, kFlagUntilRestart, flags, error);
  lifetime = flags == 0 ? Lifetime::persistent : Lifetime::until_restart;
  return result;
}

/// "s delegation, s scheduler, a{sv} options, t flags"
struct SchedulerArguments {
  const char* subject = nullptr;
  const char* scheduler = nullptr;
  Options options;
  Lifetime lifetime = Lifetime::persistent;
};

int read(sd_bus_message* request, SchedulerArguments& arguments, sd_bus_error* error) {
  int result = sd_bus_message_read(request, "ss", &arguments.subject, &arguments.scheduler);
  if (result >= 0)
    result = read_options(*request, arguments.options, error);
  return result < 0 ? result : read_lifetime(request, arguments.lifetime, error);
}

// "s delegation, a{sv} properties"
int read_properties(sd_bus_message* request, const char*& subject, ChangedKeys& keys,
                    sd_bus_error* error) {
  const int result = sd_bus_message_read(request, "s", &subject);
  return result < 0 ? result : read_values(*request, keys, error);
}

}  // namespace

int reload(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  return carry_out(request, userdata, reload_change());
}

int set_properties(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  ChangedKeys keys;
  auto lifetime = Lifetime::persistent;
  int result = read_properties(request, subject, keys, error);
  if (result >= 0)
    result = read_lifetime(request, lifetime, error);
  if (result < 0)
    return result;
  return carry_out(request, userdata, properties_change(subject, std::move(keys), lifetime), error);
}

int attach(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  SchedulerArguments arguments;
  if (const int result = read(request, arguments, error); result < 0)
    return result;
  return carry_out(request, userdata,
                   attach_change(arguments.subject, arguments.scheduler,
                                 std::move(arguments.options), arguments.lifetime));
}

int detach(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  auto lifetime = Lifetime::persistent;
  int result = sd_bus_message_read(request, "s", &subject);
  if (result >= 0)
    result = read_lifetime(request, lifetime, error);
  return result < 0 ? result : carry_out(request, userdata, detach_change(subject, lifetime));
}

int revert(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  const char* subject = nullptr;
  const int result = sd_bus_message_read(request, "s", &subject);
  return result < 0 ? result : carry_out(request, userdata, revert_change(subject));
}

int kill(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  const char* reason = nullptr;
  const int result = sd_bus_message_read(request, "ss", &subject, &reason);
  return result < 0 ? result : carry_out(request, userdata, kill_change(subject, reason), error);
}

int boost(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  const char* reason = nullptr;
  ChangedKeys keys;
  int result = read_properties(request, subject, keys, error);
  if (result >= 0)
    result = sd_bus_message_read(request, "s", &reason);
  if (result < 0)
    return result;
  auto& objects = *static_cast<Objects*>(userdata);
  auto made = objects.boosts().make(subject, std::move(keys), reason);
  if (!made)
    return refuse(error, made.error());
  objects.carry_out(*request, std::move(made->change),
                    [descriptor = made->descriptor](sd_bus_message& message) {
                      sd_bus_reply_method_return(&message, "h", descriptor->get());
                      descriptor->reset();  // the message has its own
                    });
  return 1;
}

int leave(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  return carry_out(request, userdata, leave_change());
}

int replan(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  std::uint64_t flags = 0;
  const int result = read_flags(request, kFlagFromScratch, flags, error);
  return result < 0 ? result : carry_out(request, userdata, replan_change(flags != 0));
}

}  // namespace fief::dbus
