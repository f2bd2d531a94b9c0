// SPDX-License-Identifier: GPL-2.0-only
// Users by name, as far as the policy's parser asks for them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/result.hpp"

namespace fief {

/// The number of the user of that name. Errc::not_found: there is none.
using UserLookup = std::function<Result<std::uint32_t>(const std::string& name)>;

/// Asks the system's databases, which may be on the network.
Result<std::uint32_t> user_id_of(const std::string& name);

}  // namespace fief
