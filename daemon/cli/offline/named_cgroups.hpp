// SPDX-License-Identifier: GPL-2.0-only
// A tree from cgroups named in any order. Pure.
#pragma once

#include <vector>

#include "status/plan_document.hpp"

namespace fief::cli {

/// Makes a tree of cgroups in any order. Absent ancestors are added with the default weight;
/// ancestors of populated cgroups are populated. Equal input gives equal ids. Errc::invalid for
/// a path that is not absolute and plain, or a weight outside 1..10000.
Result<CgroupTree> make_tree(const std::vector<NamedCgroup>& cgroups);

}  // namespace fief::cli
