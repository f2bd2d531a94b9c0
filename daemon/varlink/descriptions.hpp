// SPDX-License-Identifier: GPL-2.0-only
// The interfaces as text, in Varlink's own language: the *.varlink files, built in.
#pragma once

#include <string_view>

namespace fief::varlink {

inline constexpr std::string_view kManagerInterface = "io.fief.Manager";
inline constexpr std::string_view kServiceInterface = "org.varlink.service";

extern const std::string_view kManagerDescription;
extern const std::string_view kServiceDescription;

}  // namespace fief::varlink
