// SPDX-License-Identifier: GPL-2.0-only
// The cgroup hierarchy as it changes: what the reader fills and the watcher maintains, and from
// which immutable CgroupTree snapshots are taken. Pure data, no effects.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cgroup/reader.hpp"
#include "cgroup/tree.hpp"
#include "core/ids.hpp"

namespace fief {

/// Deeper, or with longer paths, cgroups are not followed: no delegation can mean them, since the
/// kernel nests four schedulers and fief's kernel side takes FIEF_PATH_LEN, but whoever owns a
/// cgroup can nest thousands. Within both, what a cgroup costs does not depend on where it is.
inline constexpr std::uint32_t kMaxCgroupDepth = 64;
inline constexpr std::size_t kMaxCgroupPath = 1024;

class CgroupHierarchy {
 public:
  struct Cgroup {
    CgroupAttributes attributes;
    CgroupId parent;     ///< the root's is itself
    std::string name{};  ///< its last path component; empty for the root
    std::map<std::string, CgroupId, std::less<>> children{};
    std::uint32_t index = 0;  ///< in the snapshot, while that is current
    std::uint32_t depth = 0;
    std::size_t path_size = 0;  ///< 0 for the root
  };

  explicit CgroupHierarchy(const CgroupAttributes& root);

  /// Whether a child @p name of @p parent, which exists, is within what is followed.
  [[nodiscard]] bool has_room(CgroupId parent, std::string_view name) const;
  /// Adds a child below @p parent, which exists and has room; its name and id are not taken yet.
  void insert(CgroupId parent, std::string name, const CgroupAttributes& attributes);
  /// Removes a cgroup and everything below it, never the root.
  void erase(CgroupId id);
  /// Replaces the attributes of a cgroup that exists; the id stays.
  void update(const CgroupAttributes& attributes);

  [[nodiscard]] CgroupId root() const { return root_; }
  [[nodiscard]] const Cgroup* find(CgroupId id) const;
  [[nodiscard]] std::optional<CgroupId> child(CgroupId parent, std::string_view name) const;
  /// A cgroup and all below it, parents before children.
  [[nodiscard]] std::vector<CgroupId> subtree(CgroupId id) const;
  [[nodiscard]] std::string path(CgroupId id) const;
  /// Attribute changes update the snapshot in place, others make the next call build it anew.
  [[nodiscard]] const CgroupTree& snapshot();

 private:
  void append(CgroupId id, std::uint32_t parent_index, const std::string& path);

  CgroupId root_;
  std::unordered_map<CgroupId, Cgroup> cgroups_;
  CgroupTree snapshot_;
  bool current_ = false;  ///< snapshot_ has the cgroups of now
};

}  // namespace fief
