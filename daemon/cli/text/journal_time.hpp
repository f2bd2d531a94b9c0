// SPDX-License-Identifier: GPL-2.0-only
// Moments as people write them, in the words of systemd.time(7). Pure but for the time zone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace fief::cli {

/// Microseconds since 1970 of "-1h", "2 days ago", "now", "today", "yesterday", "tomorrow",
/// "2026-11-27", "2026-11-27 18:30", "2026-11-27 18:30:05", "18:30" (of today) or "@1795800000";
/// dates are local time. @p now_usec is the present. Errc::invalid says what is possible.
Result<std::uint64_t> parse_moment(std::string_view text, std::uint64_t now_usec);

/// "2026-11-27 18:30:05", local time.
std::string render_moment(std::uint64_t usec);

}  // namespace fief::cli
