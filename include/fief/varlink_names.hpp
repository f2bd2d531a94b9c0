// SPDX-License-Identifier: GPL-2.0-only
// Varlink names, shared by the daemon and its clients.
#pragma once

#include <string_view>

namespace fief::varlink {

/// Where clients look for the daemon.
inline constexpr char kSocket[] = "/run/fief/io.fief.Manager";
inline constexpr std::string_view kManagerInterface = "io.fief.Manager";
inline constexpr std::string_view kServiceInterface = "org.varlink.service";

}  // namespace fief::varlink
