// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/hierarchy_kind.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>

#include "core/fd.hpp"

namespace fief {
namespace {

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

// Both lay a directory for each v1 controller below the mount, and hybrid one for v2 beside them.
Status check_is_cgroup2(const std::string& mount) {
  struct statfs file_system{};
  if (::statfs(mount.c_str(), &file_system) != 0)
    return context(mount, fail_errno(errno).value());
  if (file_system.f_type == CGROUP2_SUPER_MAGIC)
    return {};
  const bool is_hybrid = is_directory(mount + "/unified");
  if (!is_hybrid && !is_directory(mount + "/cpu"))
    return fail(Errc::unsupported, "{} is not the mount point of a cgroup2 hierarchy", mount);
  return fail(Errc::unsupported,
              "this system runs cgroup v1{}; fief needs cgroup v2 alone: boot with "
              "systemd.unified_cgroup_hierarchy=1",
              is_hybrid ? " beside v2 (\"hybrid\")" : "");
}

}  // namespace fief
