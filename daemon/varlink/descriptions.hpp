// SPDX-License-Identifier: GPL-2.0-only
// The interfaces as text, in Varlink's own language: the *.varlink files, built in.
#pragma once

#include <string_view>

namespace fief::varlink {

extern const std::string_view kManagerDescription;
extern const std::string_view kServiceDescription;

}  // namespace fief::varlink
