// SPDX-License-Identifier: GPL-2.0-only
#include "api/sdbus.hpp"

#include <system_error>

#include "core/utf8.hpp"
#include "fief/dbus_names.hpp"

namespace fief::dbus {

MessageRef hold(sd_bus_message& message) {
  return adopt(sd_bus_message_ref(&message));
}

MessageRef adopt(sd_bus_message* message) {
  return {message, Releaser<sd_bus_message_unref>{}};
}

std::string errno_text(int negative_errno) {
  return std::generic_category().message(-negative_errno);
}

Status checked(int result, std::string_view what) {
  if (result < 0)
    return fail(Errc::io, "{}: {}", what, errno_text(result));
  return {};
}

const char* error_name(Errc code, const char* invalid) {
  switch (code) {
    case Errc::invalid:
      return invalid;
    case Errc::infeasible:
      return kErrorInfeasible;
    case Errc::not_found:
      return kErrorNoSuchScheduler;
    case Errc::denied:
      return SD_BUS_ERROR_ACCESS_DENIED;
    case Errc::unsupported:
      return SD_BUS_ERROR_NOT_SUPPORTED;
    case Errc::kernel:
      return kErrorKernelRefused;
    case Errc::stale:
      return kErrorNotApplied;
    case Errc::busy:
    case Errc::io:
      break;
  }
  return SD_BUS_ERROR_FAILED;
}

void reply(sd_bus_message& request, const Status& status, const char* invalid) {
  if (status)
    sd_bus_reply_method_return(&request, nullptr);
  else
    reply_error(request, error_name(status.error().code, invalid), status.error().message);
}

void reply_error(sd_bus_message& request, const char* name, const std::string& sentence) {
  sd_bus_reply_method_errorf(&request, name, "%s", to_utf8(sentence).c_str());
}

int set_error(sd_bus_error* error, const char* name, const std::string& sentence) {
  return sd_bus_error_set(error, name, to_utf8(sentence).c_str());
}

}  // namespace fief::dbus
