// SPDX-License-Identifier: GPL-2.0-only
// What an earlier daemon left pinned: opened, judged, and removed where it is of no use.
#pragma once

#include <optional>
#include <string>

#include "kernel/attached_schedulers.hpp"
#include "kernel/port.hpp"
#include "kernel/scheduler_object.hpp"

namespace fief {

struct Directories {
  std::string objects;  ///< where <scheduler>.bpf.o lie
  std::string pins;
};

struct LeftRoot {
  Adoption adoption;                    ///< as far as the root goes
  std::optional<SchedulerObject> root;  ///< none: nothing is left
};

/// The root. Nothing stands without it: if there is none to go on with, all that is pinned ends.
Result<LeftRoot> open_left_root(const Directories& where);

/// Its children, into @p schedulers and @p adoption.
void adopt_left_children(const Directories& where, AttachedSchedulers& schedulers,
                         Adoption& adoption);

}  // namespace fief
