// SPDX-License-Identifier: GPL-2.0-only
// Reads cgroups from a cgroup2 mount, through directory descriptors: a path names whatever is
// there now, a descriptor the cgroup it was opened on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "cgroup/tree.hpp"
#include "core/cid_set.hpp"
#include "core/fd.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief {

inline constexpr char kCgroupMount[] = "/sys/fs/cgroup";

/// What one cgroup's own files say.
struct CgroupAttributes {
  CgroupId id;                            ///< inode number of the directory: the kernel's cgroup id
  std::uint32_t weight = kDefaultWeight;  ///< cpu.weight; kDefaultWeight without the controller
  bool idle = false;                      ///< cpu.idle
  bool populated = false;                 ///< cgroup.events; the root has none and always is
  std::optional<CidSet> cpus{};           ///< cpuset.cpus.effective; unset without the file
  std::optional<CpuMax> limit{};          ///< cpu.max; unset for "max" and without the file
  friend bool operator==(const CgroupAttributes&, const CgroupAttributes&) = default;
};

/// Opens the cgroup2 mount. Errc::not_found or Errc::io, naming the path.
Result<UniqueFd> open_cgroup_mount(std::string_view mount);

/// Opens a cgroup by path ("/a/b") below @p mount and makes sure that it is the one meant.
/// Errc::not_found if it is gone or another cgroup has its path by now.
Result<UniqueFd> open_cgroup(int mount, std::string_view path, CgroupId id);

/// The id of an open cgroup directory.
Result<CgroupId> read_cgroup_id(int directory);

/// All attributes of an open cgroup directory. Errc::not_found if it was removed meanwhile.
Result<CgroupAttributes> read_cgroup(int directory);

/// cgroup.events' "populated" of an open cgroup directory; false where the file is absent.
Result<bool> read_populated(int directory);

/// cpuset.cpus.effective of an open cgroup directory; unset where the file is absent.
Result<std::optional<CidSet>> read_cpus(int directory);

/// A snapshot of the whole hierarchy below @p mount.
Result<CgroupTree> read_cgroup_tree(std::string_view mount = kCgroupMount);

/// The user whose a cgroup is: whom its directory belongs to. Errc::not_found if it is gone.
Result<uid_t> read_owner(std::string_view mount, std::string_view path, CgroupId id);

/// CPU time used by a cgroup and its descendants since it was made, in microseconds (usage_usec
/// of cpu.stat). Errc::not_found if the cgroup is gone.
Result<std::uint64_t> read_usage_usec(std::string_view mount, std::string_view path, CgroupId id);

}  // namespace fief
