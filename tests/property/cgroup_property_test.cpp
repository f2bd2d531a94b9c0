// SPDX-License-Identifier: GPL-2.0-only
// Whatever happens to the hierarchy and whenever the watcher looks: its view becomes that of a
// fresh reading, and it says so whenever the view becomes another.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cgroup/watcher.hpp"
#include "unit/cgroup_fixture.hpp"

namespace fief {
namespace {

using test::CgroupFixture;

/// Does one random thing to the hierarchy.
void disturb(const CgroupFixture& cgroups) {
  // Few names, so that cgroups are removed and made again under the same ones.
  const auto parent = *rc::gen::element<std::string>("", "/a", "/b", "/a/a");
  const auto path = parent + *rc::gen::element<std::string>("/a", "/b");
  if (!std::filesystem::exists(cgroups.directory(path))) {
    if (parent.empty() || std::filesystem::exists(cgroups.directory(parent)))
      cgroups.make({.path = path, .weight = *rc::gen::inRange(1U, 10001U)});
    return;
  }
  if (*rc::gen::arbitrary<bool>())
    cgroups.remove(path);
  else
    cgroups.set_populated(path, *rc::gen::arbitrary<bool>());
}

/// Sees the watcher's view as one who looks again only when told to.
class Listener {
 public:
  explicit Listener(CgroupWatcher& watcher)
      : watcher_(watcher), known_(watcher.tree().nodes), generation_(watcher.generation()) {}
  void hear(bool changed) {
    const auto before = std::exchange(known_, watcher_.tree().nodes);
    RC_ASSERT(changed || known_ == before);
    const auto generation = watcher_.generation();
    const bool moved = std::exchange(generation_, generation) != generation;
    RC_ASSERT(changed || !moved);
    RC_ASSERT(moved || std::ranges::equal(known_, before, {}, place, place));
  }

 private:
  static std::pair<CgroupId, std::string> place(const CgroupNode& node) {
    return {node.id, node.path};
  }

  CgroupWatcher& watcher_;
  std::vector<CgroupNode> known_;
  std::uint64_t generation_;
};

RC_GTEST_PROP(CgroupWatcher, ArrivesAtTheTruth, ()) {
  const CgroupFixture cgroups;
  auto watcher = CgroupWatcher::open(cgroups.mount());
  RC_ASSERT(watcher.has_value());
  Listener listener(*watcher);
  for (auto steps = *rc::gen::inRange(0, 40); steps > 0; --steps) {
    disturb(cgroups);
    if (*rc::gen::inRange(0, 4) == 0)
      listener.hear(watcher->drain().value());
    else if (*rc::gen::inRange(0, 20) == 0)
      listener.hear(watcher->reread().value());
  }
  listener.hear(watcher->drain().value());
  const auto truth = read_cgroup_tree(cgroups.mount());
  RC_ASSERT(watcher->tree().nodes == truth->nodes);
  RC_ASSERT(!watcher->drain().value());
  RC_ASSERT(!watcher->reread().value());
}

}  // namespace
}  // namespace fief
