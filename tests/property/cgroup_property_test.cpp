// SPDX-License-Identifier: GPL-2.0-only
// Whatever happens to the hierarchy and whenever the watcher looks: its view becomes that of a
// fresh reading, and the changes it reported add up to it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
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

/// The paths an observer knows who only listens to the changes.
class Listener {
 public:
  void hear(const std::vector<CgroupChange>& changes) {
    for (const auto& change : changes) {
      if (change.kind == CgroupChange::Kind::appeared)
        RC_ASSERT(known_.emplace(change.id, change.path).second);
      else if (change.kind == CgroupChange::Kind::vanished)
        RC_ASSERT(known_.erase(change.id) == 1U);
      else
        RC_ASSERT(known_.contains(change.id));
    }
  }
  void expect(const CgroupTree& tree) const {
    std::map<CgroupId, std::string> real;
    for (const auto& node : tree.nodes)
      if (node.path != "/")
        real.emplace(node.id, node.path);
    RC_ASSERT(known_ == real);
  }

 private:
  std::map<CgroupId, std::string> known_;
};

RC_GTEST_PROP(CgroupWatcher, ArrivesAtTheTruth, ()) {
  const CgroupFixture cgroups;
  auto watcher = CgroupWatcher::open(cgroups.mount());
  RC_ASSERT(watcher.has_value());
  Listener listener;
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
  listener.expect(*truth);
}

}  // namespace
}  // namespace fief
