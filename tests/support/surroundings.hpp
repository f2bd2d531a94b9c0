// SPDX-License-Identifier: GPL-2.0-only
// A machine that no test depends on the real one for.
#pragma once

#include <string>

#include "policy/machine.hpp"

namespace fief::test {

/// There is alice, and nobody else.
inline Result<std::uint32_t> only_alice(const std::string& name) {
  if (name == "alice")
    return 1001;
  return fail(Errc::not_found, "there is no user \"{}\"", name);
}

/// Alice's, with eight CPUs.
inline Surroundings small_machine() {
  return {.users = only_alice,
          .machine = {.cpus = 8,
                      .nodes = 1,
                      .kernel = "7.3.4+deb13-amd64",
                      .host = "db-1",
                      .architecture = "x86-64",
                      .virtualization = "vm"}};
}

}  // namespace fief::test
