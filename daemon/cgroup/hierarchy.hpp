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

class CgroupHierarchy {
 public:
  struct Cgroup {
    CgroupAttributes attributes;
    CgroupId parent;   ///< the root's is itself
    std::string name;  ///< its last path component; empty for the root
    std::map<std::string, CgroupId, std::less<>> children;
    std::uint32_t index = 0;  ///< in the snapshot, while that is current
  };

  explicit CgroupHierarchy(const CgroupAttributes& root);

  /// Adds a child below @p parent, which exists; its name and id are not taken yet.
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
