// SPDX-License-Identifier: GPL-2.0-only
// Whole files, judged by the descriptor that they are read from.
#pragma once

#include <cstddef>
#include <string>

#include "core/result.hpp"

namespace fief {

/// The text of the regular file @p path, at most @p limit bytes. Errc::denied: it is none. Messages
/// do not name it.
Result<std::string> read_regular_file(const std::string& path, std::size_t limit);

/// The same for a file that is obeyed. Errc::denied, with the remedy, also if others than root own
/// it or may write it.
Result<std::string> read_file_of_root(const std::string& path, std::size_t limit);

}  // namespace fief
