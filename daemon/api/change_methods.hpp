// SPDX-License-Identifier: GPL-2.0-only
// The Manager's methods that change something, all of them: decodes what backend/methods.hpp says
// that each takes, and hands it on. For the vtable file; the signature is sd-bus's.
#pragma once

#include <systemd/sd-bus.h>

namespace fief::dbus {

int change(sd_bus_message* request, void* userdata, sd_bus_error* error);

}  // namespace fief::dbus
