// SPDX-License-Identifier: GPL-2.0-only
// What the service manager is about to do with this service.
#pragma once

#include <functional>
#include <string>

#include "api/calls.hpp"
#include "api/sdbus.hpp"

namespace fief::dbus {

/// Asks systemd for the job of the unit that this process is the service of; @p then gets its type,
/// such as "stop" or "restart" (org.freedesktop.systemd1(5)), or "" where there is no unit, no job
/// or no answer within two seconds a question.
void ask_unit_job(sd_bus& bus, PendingCalls& calls,
                  const std::function<void(const std::string&)>& then);

}  // namespace fief::dbus
