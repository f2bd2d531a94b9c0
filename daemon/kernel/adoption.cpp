// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/adoption.hpp"

#include <utility>

#include "core/trusted_file.hpp"
#include "kernel/exit_kind.hpp"
#include "kernel/leave.hpp"
#include "kernel/load_record.hpp"
#include "kernel/object_options.hpp"
#include "kernel/pins.hpp"

namespace fief {
namespace {

AdoptedScheduler adopted(const Directories& where, const SchedulerObject& object) {
  const auto& record = object.record();
  const auto content =
      read_file_of_root(object_path(where.objects, record.request.scheduler), kMaxObjectBytes);
  return {.request = record.request,
          .current = content && checksum_of(*content) == record.checksum};
}

// What cannot be opened. Without a link it is what a daemon left that was killed while it attached
// or detached.
void discard(const PinDirectory& pins, CgroupId cgroup, const Error& why, Adoption& adoption) {
  if (why.code != Errc::not_found)
    adoption.discarded.push_back(
        fmt::format("the scheduler of cgroup {}: {}", cgroup.value, why.message));
  if (const auto ended = pins.end(); !ended)
    adoption.discarded.push_back(ended.error().message);
}

}  // namespace

Result<LeftRoot> open_left_root(const Directories& where) {
  LeftRoot left;
  if (pinned_schedulers(where.pins).empty())
    return left;
  auto root = SchedulerObject::open(PinDirectory(where.pins, kSelf));
  const auto exit = root ? root->exit_info() : ExitInfo{};
  if (root && exit.kind == exit_kind::kNone) {
    left.adoption.root = adopted(where, *root);
    left.root = std::move(*root);
    return left;
  }
  if (root)
    left.adoption.root_exit = exit;
  else
    left.adoption.discarded.push_back(fmt::format("the root scheduler: {}", root.error().message));
  if (const auto ended = end_pinned_schedulers(where.pins); !ended)
    return tl::unexpected(ended.error());
  return left;
}

// One that has ended meanwhile is taken as well: its record says how.
void adopt_left_children(const Directories& where, AttachedSchedulers& schedulers,
                         Adoption& adoption) {
  for (const auto cgroup : pinned_schedulers(where.pins)) {
    if (cgroup == kSelf)
      continue;
    const PinDirectory pins(where.pins, cgroup);
    auto object = SchedulerObject::open(pins);
    if (!object) {
      discard(pins, cgroup, object.error(), adoption);
      continue;
    }
    adoption.children.push_back(adopted(where, *object));
    schedulers.adopt_child(cgroup, std::move(*object));
  }
}

}  // namespace fief
