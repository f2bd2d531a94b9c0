// SPDX-License-Identifier: GPL-2.0-only
// Text that is handed to another process as a file descriptor.
#pragma once

#include <string_view>

#include "core/fd.hpp"
#include "core/result.hpp"

namespace fief {

/// Memory that holds @p text and can never change again, at offset 0. @p name is for
/// /proc/PID/fd alone. The failure is errno's.
Result<UniqueFd> sealed_memory(const char* name, std::string_view text);

}  // namespace fief
