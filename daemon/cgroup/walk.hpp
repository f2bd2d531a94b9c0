// SPDX-License-Identifier: GPL-2.0-only
// Walks open cgroup directories; shared by the reader and the watcher.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cgroup/hierarchy.hpp"
#include "cgroup/reader.hpp"
#include "core/fd.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief {

/// Reads the attributes of an open cgroup directory (and may do more with it).
/// Errc::not_found: the cgroup was removed meanwhile, the walk goes on without it.
using ReadCgroup = std::function<Result<CgroupAttributes>(int directory)>;

/// Told of a cgroup that has children which are not followed (CgroupHierarchy::has_room()).
using ToldUnfollowed = std::function<void(CgroupId parent)>;

/// Opens the directory @p name below @p parent, never through a link.
Result<UniqueFd> open_child(int parent, std::string_view name);

/// Reads the whole hierarchy below an open mount, the root first.
Result<CgroupHierarchy> walk_hierarchy(int mount, const ReadCgroup& read,
                                       const ToldUnfollowed& unfollowed);

/// Reads the open cgroup @p directory and everything below it into @p hierarchy, as the child
/// @p name of @p parent, which has room for it. A cgroup that is in @p hierarchy already is left as
/// it is.
Status walk_subtree(int directory, CgroupId parent, const std::string& name, const ReadCgroup& read,
                    const ToldUnfollowed& unfollowed, CgroupHierarchy& hierarchy);

}  // namespace fief
