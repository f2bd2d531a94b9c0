// SPDX-License-Identifier: GPL-2.0-only
// States whose pictures are kept beside this file.
#pragma once

#include "status/views.hpp"

namespace fief::test {

/// 16 CPUs, three delegations below one slice, one of them with a child of its own; all well.
StatusView nested_machine();
/// Every way in which things can be amiss, one scheduler each.
StatusView troubled_machine();
/// Just started: no scheduler yet.
StatusView starting_machine();

}  // namespace fief::test
