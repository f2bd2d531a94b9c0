// SPDX-License-Identifier: GPL-2.0-only
#include "cli/offline/named_cgroups.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

namespace fief::cli {
namespace {

constexpr std::uint32_t kMaxWeight = 10000;

// A path sorts behind its ancestors.
using ByPath = std::map<std::string, NamedCgroup, std::less<>>;

std::string above(const std::string& path) {
  return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

bool is_plain(std::string_view path) {
  return path.starts_with('/') && (path == "/" || !path.ends_with('/')) &&
         path.find("//") == std::string_view::npos && path.find('\0') == std::string_view::npos;
}

void add(ByPath& cgroups, const NamedCgroup& cgroup) {
  cgroups.insert_or_assign(cgroup.path, cgroup);
  for (auto path = above(cgroup.path);; path = above(path)) {
    auto& ancestor =
        cgroups.try_emplace(path, NamedCgroup{.path = path, .populated = false}).first->second;
    ancestor.populated |= cgroup.populated;
    if (path == "/")
      return;
  }
}

}  // namespace

Result<CgroupTree> make_tree(const std::vector<NamedCgroup>& cgroups) {
  ByPath sorted;
  CgroupId next{1};
  for (const auto& cgroup : cgroups) {
    if (!is_plain(cgroup.path))
      return fail(Errc::invalid, "\"{}\" is not the path of a cgroup", cgroup.path);
    if (cgroup.weight < 1 || cgroup.weight > kMaxWeight)
      return fail(Errc::invalid, "the weight of {} is {}, not between 1 and {}", cgroup.path,
                  cgroup.weight, kMaxWeight);
    add(sorted, cgroup);
    next.value = std::max(next.value, cgroup.id.value + 1);
  }
  sorted.try_emplace("/", NamedCgroup{.path = "/"});
  CgroupTree tree;
  std::unordered_map<std::string, std::uint32_t> index;
  for (auto& [path, cgroup] : sorted) {
    const auto id = cgroup.id == kSelf ? CgroupId{next.value++} : cgroup.id;
    index[path] = static_cast<std::uint32_t>(tree.nodes.size());
    tree.nodes.push_back({.id = id,
                          .path = path,
                          .parent = index[above(path)],
                          .weight = cgroup.weight,
                          .idle = cgroup.idle,
                          .populated = cgroup.populated,
                          .cpus = cgroup.cpus,
                          .limit = cgroup.limit});
  }
  return tree;
}

}  // namespace fief::cli
