// SPDX-License-Identifier: GPL-2.0-only
// Schedulers ordered by their cgroups' paths, as the tree that people draw. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/text/style.hpp"
#include "status/views.hpp"

namespace fief::cli {

/// A cgroup with a scheduler, or one in which several such cgroups lie.
struct OutlineNode {
  std::string name;                     ///< path below the node above; "/" at the top
  const SchedulerView* view = nullptr;  ///< nullptr: only a common ancestor
  std::vector<OutlineNode> children;
};

/// The root cgroup with everything below it. Ancestors that hold a single node are folded into
/// its name. Refers to @p status.
OutlineNode outline(const StatusView& status);

/// One node, drawn.
struct OutlineLine {
  std::string text;  ///< branches and name
  std::string lead;  ///< branches that a note below the line goes on with
  const SchedulerView* view = nullptr;
};

/// The lines from top to bottom.
std::vector<OutlineLine> draw(const OutlineNode& root, const Style& style);

}  // namespace fief::cli
