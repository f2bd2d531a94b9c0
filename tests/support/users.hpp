// SPDX-License-Identifier: GPL-2.0-only
// The users of a machine that no test depends on.
#pragma once

#include <string>

#include "policy/users.hpp"

namespace fief::test {

/// There is alice, and nobody else.
inline Result<std::uint32_t> only_alice(const std::string& name) {
  if (name == "alice")
    return 1001;
  return fail(Errc::not_found, "there is no user \"{}\"", name);
}

}  // namespace fief::test
