// SPDX-License-Identifier: GPL-2.0-only
// The Manager's methods that change something: each decodes its arguments and hands them on. For
// the vtable file; the signature is sd-bus's.
#pragma once

#include <systemd/sd-bus.h>

namespace fief::dbus {

int reload(sd_bus_message* request, void* userdata, sd_bus_error* error);
int set_properties(sd_bus_message* request, void* userdata, sd_bus_error* error);
int attach(sd_bus_message* request, void* userdata, sd_bus_error* error);
int detach(sd_bus_message* request, void* userdata, sd_bus_error* error);
int revert(sd_bus_message* request, void* userdata, sd_bus_error* error);
int kill(sd_bus_message* request, void* userdata, sd_bus_error* error);
int boost(sd_bus_message* request, void* userdata, sd_bus_error* error);
int leave(sd_bus_message* request, void* userdata, sd_bus_error* error);
int replan(sd_bus_message* request, void* userdata, sd_bus_error* error);

}  // namespace fief::dbus
