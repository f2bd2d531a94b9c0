// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/hierarchy.hpp"

#include <utility>

namespace fief {
namespace {

std::string join(const std::string& parent_path, const std::string& name) {
  return parent_path == "/" ? "/" + name : parent_path + "/" + name;
}

void set_attributes(CgroupNode& node, const CgroupAttributes& attributes) {
  node.weight = attributes.weight;
  node.idle = attributes.idle;
  node.populated = attributes.populated;
  node.cpus = attributes.cpus;
  node.limit = attributes.limit;
}

}  // namespace

CgroupHierarchy::CgroupHierarchy(const CgroupAttributes& root) : root_(root.id) {
  cgroups_.emplace(root.id, Cgroup{.attributes = root, .parent = root.id});
}

bool CgroupHierarchy::has_room(CgroupId parent, std::string_view name) const {
  const auto& above = cgroups_.at(parent);
  return above.depth < kMaxCgroupDepth && above.path_size + 1 + name.size() <= kMaxCgroupPath;
}

void CgroupHierarchy::insert(CgroupId parent, std::string name,
                             const CgroupAttributes& attributes) {
  auto& above = cgroups_.at(parent);
  above.children.emplace(name, attributes.id);
  Cgroup cgroup{.attributes = attributes,
                .parent = parent,
                .name = std::move(name),
                .depth = above.depth + 1};
  cgroup.path_size = above.path_size + 1 + cgroup.name.size();
  cgroups_.emplace(attributes.id, std::move(cgroup));
  current_ = false;
}

void CgroupHierarchy::erase(CgroupId id) {
  const auto& cgroup = cgroups_.at(id);
  cgroups_.at(cgroup.parent).children.erase(cgroup.name);
  for (const auto gone : subtree(id))
    cgroups_.erase(gone);
  current_ = false;
}

void CgroupHierarchy::update(const CgroupAttributes& attributes) {
  auto& cgroup = cgroups_.at(attributes.id);
  cgroup.attributes = attributes;
  if (current_)
    set_attributes(snapshot_.nodes[cgroup.index], attributes);
}

const CgroupHierarchy::Cgroup* CgroupHierarchy::find(CgroupId id) const {
  const auto found = cgroups_.find(id);
  return found == cgroups_.end() ? nullptr : &found->second;
}

std::optional<CgroupId> CgroupHierarchy::child(CgroupId parent, std::string_view name) const {
  const auto& children = cgroups_.at(parent).children;
  const auto found = children.find(name);
  if (found == children.end())
    return std::nullopt;
  return found->second;
}

std::vector<CgroupId> CgroupHierarchy::subtree(CgroupId id) const {
  std::vector<CgroupId> ids{id};
  for (std::size_t i = 0; i < ids.size(); ++i)
    for (const auto& [name, child] : cgroups_.at(ids[i]).children)
      ids.push_back(child);
  return ids;
}

std::string CgroupHierarchy::path(CgroupId id) const {
  if (id == root_)
    return "/";
  const auto& cgroup = cgroups_.at(id);
  return join(path(cgroup.parent), cgroup.name);
}

const CgroupTree& CgroupHierarchy::snapshot() {
  if (!current_) {
    snapshot_.nodes.clear();
    snapshot_.nodes.reserve(cgroups_.size());
    append(root_, 0, "/");
    snapshot_.index();
    current_ = true;
  }
  return snapshot_;
}

void CgroupHierarchy::append(CgroupId id, std::uint32_t parent_index, const std::string& path) {
  auto& cgroup = cgroups_.at(id);
  cgroup.index = static_cast<std::uint32_t>(snapshot_.nodes.size());
  CgroupNode node{.id = id, .path = path, .parent = parent_index};
  set_attributes(node, cgroup.attributes);
  snapshot_.nodes.push_back(std::move(node));
  for (const auto& [name, child] : cgroup.children)
    append(child, cgroup.index, join(path, name));
}

}  // namespace fief
