// SPDX-License-Identifier: GPL-2.0-only
// org.freedesktop.LogControl1, by which "systemctl service-log-level fiefd debug" works. systemd
// defines it.
#pragma once

#include "api/vtables.hpp"

namespace fief::dbus {

/// Registers the object on @p bus. @p objects must outlive the bus; a new level goes through its
/// carry_out(), and so asks polkit.
Status add_log_control(sd_bus& bus, Objects& objects);

}  // namespace fief::dbus
