// SPDX-License-Identifier: GPL-2.0-only
// Which cgroup is above which, by their paths: absolute and normalised. Pure.
#pragma once

#include <string_view>

namespace fief {

/// Whether @p path is of a cgroup below that of @p ancestor, and not the same. "/" is above all.
inline bool is_below(std::string_view path, std::string_view ancestor) {
  if (ancestor == "/")
    return path != "/";
  return path.size() > ancestor.size() && path.starts_with(ancestor) &&
         path[ancestor.size()] == '/';
}

/// Whether @p test holds for the path of any cgroup above that of @p path, but for the root's.
template <class Test>
bool any_above(std::string_view path, Test test) {
  for (auto above = path.substr(0, path.rfind('/')); !above.empty();
       above = above.substr(0, above.rfind('/')))
    if (test(above))
      return true;
  return false;
}

}  // namespace fief
