// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/walk.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace fief {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// A stream of its own over @p directory, which keeps its offset.
Result<Directory> open_stream(int directory) {
  auto fd = open_child(directory, ".");
  if (!fd)
    return tl::unexpected(fd.error());
  Directory stream(::fdopendir(fd->get()));
  if (!stream)
    return fail_errno(errno);
  static_cast<void>(fd->release());  // the stream closes it
  return stream;
}

bool may_be_child(const dirent& entry) {
  const std::string_view name(entry.d_name);
  return (entry.d_type == DT_DIR || entry.d_type == DT_UNKNOWN) && name != "." && name != "..";
}

/// The names of all child directories. A cgroup that is gone has none.
Result<std::vector<std::string>> list_children(int directory) {
  std::vector<std::string> names;
  const auto stream = open_stream(directory);
  if (!stream && stream.error().code == Errc::not_found)
    return names;
  if (!stream)
    return tl::unexpected(stream.error());
  errno = 0;
  while (const auto* entry = ::readdir(stream->get())) {
    if (may_be_child(*entry))
      names.emplace_back(entry->d_name);
  }
  if (errno != 0 && errno != ENOENT)
    return fail_errno(errno);
  return names;
}

Status walk_children(int directory, CgroupId id, const ReadCgroup& read,
                     const ToldUnfollowed& unfollowed, CgroupHierarchy& hierarchy) {
  const auto names = list_children(directory);
  if (!names)
    return tl::unexpected(names.error());
  for (const auto& name : *names) {
    if (!hierarchy.has_room(id, name)) {
      unfollowed(id);
      continue;
    }
    const auto child = open_child(directory, name);
    if (!child && child.error().code == Errc::not_found)
      continue;
    if (!child)
      return context(name, child.error());
    if (auto status = walk_subtree(child->get(), id, name, read, unfollowed, hierarchy); !status)
      return context(name, status.error());
  }
  return {};
}

}  // namespace

Result<UniqueFd> open_child(int parent, std::string_view name) {
  return open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

Result<CgroupHierarchy> walk_hierarchy(int mount, const ReadCgroup& read,
                                       const ToldUnfollowed& unfollowed) {
  auto root = read(mount);
  if (!root)
    return tl::unexpected(root.error());
  root->populated = true;  // it has no cgroup.events
  CgroupHierarchy hierarchy(*root);
  if (auto status = walk_children(mount, root->id, read, unfollowed, hierarchy); !status)
    return tl::unexpected(status.error());
  return hierarchy;
}

Status walk_subtree(int directory, CgroupId parent, const std::string& name, const ReadCgroup& read,
                    const ToldUnfollowed& unfollowed, CgroupHierarchy& hierarchy) {
  const auto attributes = read(directory);
  if (!attributes && attributes.error().code == Errc::not_found)
    return {};
  if (!attributes)
    return tl::unexpected(attributes.error());
  if (hierarchy.find(attributes->id) != nullptr)
    return {};
  hierarchy.insert(parent, name, *attributes);
  return walk_children(directory, attributes->id, read, unfollowed, hierarchy);
}

}  // namespace fief
