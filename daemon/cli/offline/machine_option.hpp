// SPDX-License-Identifier: GPL-2.0-only
// Another machine than this one, as people give it on the command line.
#pragma once

#include <string_view>

#include "core/result.hpp"
#include "policy/machine.hpp"

namespace fief::cli {

/// @p machine with what @p text says of it: "KEY=VALUE,…", with the keys of "when" in
/// fief-policy(5). Errc::invalid names the part that is wrong and what may stand there.
Result<Machine> with_facts(Machine machine, std::string_view text);

}  // namespace fief::cli
