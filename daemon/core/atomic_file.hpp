// SPDX-License-Identifier: GPL-2.0-only
// Files that others read while they are written.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace fief {

/// Replaces file @p name of @p directory by one with @p text, readable for everybody. Readers, and
/// whoever looks after a crash, find the old text or the new one, on disk, never a part. The
/// temporary file's name starts with a dot. The failure is errno's, without the path.
Status replace_file(const std::string& directory, const std::string& name, std::string_view text);

/// Removes it, for good after a crash as well; it need not be there.
Status remove_file(const std::string& directory, const std::string& name);

}  // namespace fief
